"""Whether a photo shows the same picture as an earlier one: 64-bit perceptual hashes of a few views of it.

    upright, grey, plain borders cut off -> views (whole, cropped, turned a little) -> 32 x 32 -> low frequencies of the
    discrete cosine transform -> one bit each: above their median or not

Two photos are alike where the whole of one is near a view of the other, as it is or in a mirror. What that finds and
what it misses is measured in docs/evidence.md: a picture of the same thing taken anew is another picture. Pillow alone:
the hash of the whole is that of the usual `phash`, without the 224 MB that its library brings.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageOps

SIDE_PX = 32
LOW = 8
BITS = LOW * LOW
NEAR_BITS = 8
"""Hashes that differ in at most so many of their 64 bits count as alike (docs/evidence.md says why)."""
WORKING_PX = 256
"""Pictures are looked at this large; finer things are lost in 32 x 32 anyway."""
CROPS = (0.96, 0.92, 0.88, 0.82, 0.76)
"""What is left of each side, around the middle."""
TURNS = (-6.0, -3.0, 3.0, 6.0)
"""Degrees; the corners that turning leaves empty are cut off."""
CORNER_PART = 0.9
QUARTERS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
BORDER_GREY_MAX = 12
"""How far a border may differ from its corner and still be plain."""
SIDE_PX_MIN = 48
"""Where less is left between plain borders, they are the picture."""

_COSINES = tuple(
    tuple(math.cos(math.pi * (2 * place + 1) * wave / (2 * SIDE_PX)) for place in range(SIDE_PX))
    for wave in range(LOW)
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """The hashes of one picture. `wholes`: as it is and without plain borders; `views`: those and parts of it;
    `tricks`: the same of its mirror image, and the whole on its sides and its head."""

    wholes: tuple[int, ...]
    views: tuple[int, ...]
    tricks: tuple[int, ...]

    def to_json(self) -> dict[str, list[str]]:
        """Return it as hex text: JSON has no 64-bit integers."""
        return {
            name: [f"{one:016x}" for one in getattr(self, name)] for name in ("wholes", "views", "tricks")
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What is kept of an earlier picture."""

    wholes: tuple[int, ...]
    views: tuple[int, ...]


def read_likeness(value: Mapping[str, Sequence[str]]) -> Likeness:
    """Return what `to_json` wrote."""
    return Likeness(*(tuple(int(one, 16) for one in value[name]) for name in ("wholes", "views", "tricks")))


def kept(value: Mapping[str, Sequence[str]]) -> Seen:
    """Return what is compared of an earlier picture. `value` is what `to_json` wrote."""
    return Seen(*(tuple(int(one, 16) for one in value[name]) for name in ("wholes", "views")))


def likeness_of(image: Image.Image) -> Likeness | None:
    """Return the hashes of a decoded picture, None for one of a single tone, which shows nothing to know again. Slow
    (about 30 ms): call it in a thread."""
    grey = _grey(image)
    low, high = grey.getextrema()
    if high - low <= BORDER_GREY_MAX:  # type: ignore[operator]
        return None
    mirror = ImageOps.mirror(grey)
    wholes, views = _views(grey)
    mirrored = _views(mirror)
    turned = [phash(grey.transpose(turn)) for turn in QUARTERS]
    return Likeness(wholes, views, (*mirrored[1], *turned))


def distance(new: Likeness, old: Seen) -> int:
    """Return in how many bits the nearest views of two pictures differ: the whole of one and any of the other."""
    found = BITS
    for one in (*new.views, *new.tricks):
        for whole in old.wholes:
            found = min(found, (one ^ whole).bit_count())
    wholes = (*new.wholes, *new.tricks[: len(new.wholes)])
    for view in old.views:
        for one in wholes:
            found = min(found, (one ^ view).bit_count())
    return found


def _grey(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((WORKING_PX, WORKING_PX), Image.Resampling.BOX)
    if upright.mode in ("RGBA", "LA", "P"):
        paper = Image.new("RGBA", upright.size, "white")
        upright = Image.alpha_composite(paper, upright.convert("RGBA"))
    return upright.convert("L")


def _without_borders(grey: Image.Image) -> Image.Image:
    """Cut plain borders off, such as those of a screenshot; a picture that is plain altogether stays as it is."""
    for last in (False, True):
        corner = (grey.width - 1, grey.height - 1) if last else (0, 0)
        paper = Image.new("L", grey.size, int(grey.getpixel(corner)))  # type: ignore[arg-type]
        inside = ImageChops.difference(grey, paper).point(lambda value: 255 if value > BORDER_GREY_MAX else 0)
        box = inside.getbbox()
        if box is not None and min(box[2] - box[0], box[3] - box[1]) >= SIDE_PX_MIN:
            grey = grey.crop(box)
    return grey


def _views(grey: Image.Image) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the hashes of the whole (with and without plain borders), and those of all views."""
    cut = _without_borders(grey)
    wholes = (phash(grey), phash(cut))
    views = [phash(_part(grey, part, 0.5, 0.5)) for part in CROPS]
    views += [phash(_part(grey, CORNER_PART, across, down)) for across in (0, 1) for down in (0, 1)]
    for degrees in TURNS:
        turned = grey.rotate(degrees, Image.Resampling.BILINEAR)
        views += [
            phash(turned),
            phash(_part(turned, 1 - 1.5 * math.sin(math.radians(abs(degrees))), 0.5, 0.5)),
        ]
    return wholes, (*wholes, *views)


def _part(grey: Image.Image, part: float, across: float, down: float) -> Image.Image:
    """Return a part of a picture, of that share of each side; 0.5, 0.5 is its middle."""
    width, height = round(grey.width * part), round(grey.height * part)
    left, top = round((grey.width - width) * across), round((grey.height - height) * down)
    return grey.crop((left, top, left + width, top + height))


def phash(grey: Image.Image) -> int:
    """Return the 64-bit hash of a grey picture, the lowest frequency first."""
    small = grey.resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    points: Sequence[int] = small.tobytes()
    rows = [points[at : at + SIDE_PX] for at in range(0, SIDE_PX * SIDE_PX, SIDE_PX)]
    across = [[sum(map(_times, cosines, row)) for cosines in _COSINES] for row in rows]
    down = list(zip(*across, strict=True))
    low = [[sum(map(_times, cosines, column)) for column in down] for cosines in _COSINES]
    flat = [value for line in low for value in line]
    middle = sorted(flat)
    median = (middle[BITS // 2 - 1] + middle[BITS // 2]) / 2
    found = 0
    for value in flat:
        found = found << 1 | (value > median)
    return found


def _times(one: float, other: int) -> float:
    return one * other
