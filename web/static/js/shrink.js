// Makes a photo small enough to send from a phone: at most 1600 px on its longer side, upright, as JPEG.
// No words here: an error carries a code, and the page says it in its own language.

export const SIDE_PX_MAX = 1600;
export const QUALITY = 0.82;

/** A picture this browser cannot show; `code` is "unreadable". */
export class ShrinkError extends Error {
  constructor() {
    super("unreadable");
    this.code = "unreadable";
  }
}

/**
 * Return a JPEG Blob of a photo.
 * @param {Blob|HTMLCanvasElement} source a picked file or a still
 * @throws {ShrinkError} the browser cannot read it (HEIC in most)
 */
export async function shrink(source, sidePxMax = SIDE_PX_MAX, quality = QUALITY) {
  let image;
  try {
    image = await createImageBitmap(source, { imageOrientation: "from-image" });
  } catch {
    throw new ShrinkError();
  }
  try {
    const share = Math.min(1, sidePxMax / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(image.width * share));
    canvas.height = Math.max(1, Math.round(image.height * share));
    const paper = canvas.getContext("2d");
    paper.fillStyle = "#fff"; // what was transparent would be black in a JPEG
    paper.fillRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await toJpeg(canvas, quality);
  } finally {
    image.close();
  }
}

/** Return a canvas as a JPEG Blob. */
export function toJpeg(canvas, quality = QUALITY) {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new ShrinkError())), "image/jpeg", quality);
  });
}
