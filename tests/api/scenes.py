"""Pictures of several kinds made on the spot, and what people do to a picture before they show it again."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Mapping

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Random = random.Random
Paint = Callable[[Random], Image.Image]
Change = Callable[[Image.Image, Random], Image.Image]
Colour = tuple[int, int, int]


def _colour(drawn: Random, low: int = 0, high: int = 256) -> Colour:
    return (drawn.randrange(low, high), drawn.randrange(low, high), drawn.randrange(low, high))


def room(drawn: Random) -> Image.Image:
    """Return blurred shapes of many colours: a room, a table."""
    image = Image.new("RGB", (640, 480), _colour(drawn))
    pen = ImageDraw.Draw(image)
    for _ in range(drawn.randrange(6, 24)):
        x, y = drawn.randrange(640), drawn.randrange(480)
        box = (x, y, x + drawn.randrange(30, 300), y + drawn.randrange(30, 250))
        (pen.rectangle if drawn.random() < 0.5 else pen.ellipse)(box, fill=_colour(drawn))
    return image.filter(ImageFilter.GaussianBlur(drawn.random() * 3))


def surface(drawn: Random) -> Image.Image:
    """Return a texture without edges: a floor, food, a stain."""
    image: Image.Image | None = None
    for side in (4, 8, 16, 32, 64):
        noise = Image.new("L", (side, side))
        noise.putdata([drawn.randrange(256) for _ in range(side * side)])
        wide = noise.resize((640, 480), Image.Resampling.BICUBIC)
        image = wide if image is None else Image.blend(image, wide, 0.35)
    assert image is not None
    return ImageOps.colorize(image, _colour(drawn, 0, 128), _colour(drawn, 128, 256))


def paper(drawn: Random) -> Image.Image:
    """Return lines of words on white: a receipt, a list."""
    image = Image.new("RGB", (480, 640), (250, 249, 244))
    pen, y = ImageDraw.Draw(image), 30
    while y < 600:
        x = 30
        while x < 380:
            width = drawn.randrange(8, 60)
            if drawn.random() < 0.85:
                pen.rectangle((x, y, x + width, y + drawn.randrange(6, 11)), fill=(40, 40, 45))
            x += width + 8
        y += drawn.choice([16, 18, 18, 18, 40])
    return image


def shelf(drawn: Random) -> Image.Image:
    """Return three boards with boxes and bottles."""
    image = Image.new("RGB", (640, 480), (200, 205, 210))
    pen = ImageDraw.Draw(image)
    for board in (150, 300, 450):
        pen.rectangle((0, board, 640, board + 12), fill=(120, 120, 125))
        x = 10
        while x < 620:
            width, height = drawn.randrange(20, 70), drawn.randrange(40, 105)
            pen.rectangle((x, board - height, x + width, board), fill=_colour(drawn))
            pen.rectangle(
                (x + 4, board - height // 2, x + width - 4, board - height // 3), fill=_colour(drawn)
            )
            x += width + drawn.randrange(2, 30)
    return image.filter(ImageFilter.GaussianBlur(1))


def dial(drawn: Random) -> Image.Image:
    """Return the dial of a thermometer on a grey wall: the same thing each day, with another reading."""
    image = Image.new("RGB", (480, 480), (60, 62, 66))
    pen = ImageDraw.Draw(image)
    x, y, radius = drawn.randrange(200, 280), drawn.randrange(200, 280), drawn.randrange(120, 200)
    pen.ellipse(
        (x - radius, y - radius, x + radius, y + radius), fill=(235, 235, 230), outline=(9, 9, 9), width=6
    )
    turn = drawn.random() * math.tau
    tip = (x + radius * 0.8 * math.cos(turn), y + radius * 0.8 * math.sin(turn))
    pen.line((x, y, *tip), fill=(200, 20, 20), width=8)
    for _ in range(drawn.randrange(4, 12)):
        left, top = drawn.randrange(480), drawn.randrange(480)
        box = (left, top, left + drawn.randrange(10, 90), top + drawn.randrange(10, 90))
        pen.rectangle(box, fill=_colour(drawn))
    return image


KINDS: Mapping[str, Paint] = {
    "room": room, "surface": surface, "paper": paper, "shelf": shelf, "dial": dial,
}  # fmt: skip


def jpeg(image: Image.Image, quality: int = 85) -> Image.Image:
    """Return a picture as it comes out of a file."""
    made = io.BytesIO()
    image.convert("RGB").save(made, "JPEG", quality=quality)
    return Image.open(io.BytesIO(made.getvalue()))


def _crop(percent: int, middle: bool) -> Change:
    """Cut so much off each direction's length, around the middle or anywhere."""

    def change(image: Image.Image, drawn: Random) -> Image.Image:
        width, height = (round(side * (1 - percent / 100)) for side in image.size)
        left, top = (image.width - width) // 2, (image.height - height) // 2
        if not middle:
            left, top = drawn.randrange(image.width - width + 1), drawn.randrange(image.height - height + 1)
        return jpeg(image.crop((left, top, left + width, top + height)))

    return change


def _turn(degrees: float) -> Change:
    return lambda image, drawn: jpeg(image.rotate(degrees, Image.Resampling.BILINEAR))


def _bright(factor: float) -> Change:
    return lambda image, drawn: jpeg(ImageEnhance.Brightness(image).enhance(factor))


def _screenshot(image: Image.Image, drawn: Random) -> Image.Image:
    """The picture between black bars, at another size."""
    side = max(image.size)
    screen = Image.new("RGB", (side, side * 2), (0, 0, 0))
    screen.paste(image, ((side - image.width) // 2, (side * 2 - image.height) // 2))
    return jpeg(screen.resize((round(side * 0.6), round(side * 1.2))), 80)


CHANGES: Mapping[str, Change] = {
    "re-encoded, quality 40": lambda image, drawn: jpeg(image, 40),
    "half the size": lambda image, drawn: jpeg(image.resize((image.width // 2, image.height // 2))),
    "crop 4 %": _crop(4, True),
    "crop 8 %": _crop(8, True),
    "crop 12 %": _crop(12, True),
    "crop 24 %": _crop(24, True),
    "crop 8 %, anywhere": _crop(8, False),
    "crop 12 %, anywhere": _crop(12, False),
    "mirror": lambda image, drawn: jpeg(ImageOps.mirror(image)),
    "mirror, crop 8 %": lambda image, drawn: _crop(8, True)(ImageOps.mirror(image), drawn),
    "20 % brighter": _bright(1.2),
    "20 % darker": _bright(0.8),
    "turned by 3 degrees": _turn(3),
    "turned by 5 degrees": _turn(-5),
    "turned by 90 degrees": lambda image, drawn: jpeg(image.transpose(Image.Transpose.ROTATE_90)),
    "screenshot": _screenshot,
}
