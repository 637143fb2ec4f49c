// A photo inside a form: the live picture, Take, then Use or Again; a file picker as the way round. The words stand in
// the template (components/photo.html); this shows one of its parts at a time.
import { CameraError, hasCamera, openCamera } from "./camera.js";
import { fetchNonces, takeNonce } from "./nonces.js";
import { shrink } from "./shrink.js";

const NAME_CHARS_MAX = 80;

/**
 * Bring the part [data-photo] of a form to life.
 * Returns {current, clear, has, wasLeftOut}: current() is {blob, name, fields} of the photo that was taken or picked, or null; its fields
 * are how, captured_at and nonce, as the doors take them. The nonce is spent by asking, so ask when it is sent.
 * @param {HTMLElement} root
 * @param {string} person who is signed in
 */
export function taking(root, person) {
  const part = (name) => root.querySelector(`[data-${name}]`);
  const video = root.querySelector("video");
  const image = root.querySelector("img");
  const picker = root.querySelector("input[type=file]");
  let camera = null;
  let held = null;
  let leftOut = false;

  function show(name) {
    part("open").hidden = name !== "open" || !hasCamera();
    part("live").hidden = name !== "live";
    part("shown").hidden = name !== "preview" && name !== "used";
    part("use").hidden = name !== "preview";
    part("again").hidden = name !== "preview" || !held || held.how === "file";
    part("drop").hidden = name === "preview" && !part("again").hidden;
    part("pick").hidden = name !== "open";
  }

  function told(code) {
    const said = part("camera-trouble");
    said.textContent = code ? said.dataset[code] || said.dataset.busy : "";
    said.hidden = !code;
  }

  function hold(photo) {
    leftOut = false;
    if (image.src) URL.revokeObjectURL(image.src);
    held = photo;
    if (photo) image.src = URL.createObjectURL(photo.blob);
    else image.removeAttribute("src");
    part("whence").textContent = photo ? part("whence").dataset[photo.how] : "";
  }

  function clear() {
    if (camera) camera.stop();
    camera = null;
    hold(null);
    picker.value = "";
    told("");
    show("open");
  }

  async function open() {
    told("");
    hold(null);
    show("live");
    part("take").disabled = true;
    try {
      camera = await openCamera(video, () => held || show("open"));
      part("take").disabled = false;
      part("take").focus();
    } catch (error) {
      camera = null;
      show("open");
      part("pick").open = true;
      told(error instanceof CameraError ? error.code : "busy");
    }
  }

  async function take() {
    try {
      const { canvas, capturedAt } = camera.still();
      hold({ blob: await shrink(canvas), name: "photo.jpg", how: "camera", capturedAt });
      show("preview");
      camera.stop();
      part("use").focus();
    } catch (error) {
      told(error.code || "busy");
    }
  }

  async function pick() {
    const [file] = picker.files;
    if (!file) return;
    told("");
    try {
      const name = `${file.name.replace(/\.[^.]*$/, "").slice(0, NAME_CHARS_MAX) || "photo"}.jpg`;
      hold({ blob: await shrink(file), name, how: "file" });
      show("used");
    } catch (error) {
      picker.value = "";
      leftOut = true;
      told(error.code || "busy");
    }
  }

  part("open").addEventListener("click", open);
  part("take").addEventListener("click", take);
  part("again").addEventListener("click", open);
  part("use").addEventListener("click", () => {
    show("used");
    root.dispatchEvent(new CustomEvent("used", { bubbles: true }));
  });
  part("stop").addEventListener("click", clear);
  part("drop").addEventListener("click", clear);
  picker.addEventListener("change", pick);
  part("pick").open = !hasCamera();
  show("open");
  fetchNonces(person);

  return {
    clear,
    current() {
      if (!held) return null;
      const { blob, name, how, capturedAt } = held;
      if (how === "file") return { blob, name, fields: { how } };
      return { blob, name, fields: { how, captured_at: capturedAt, nonce: takeNonce(person) } };
    },
    has: () => held !== null,
    /** Whether a file was chosen that is no picture; true once, so that somebody who was told may go on without it. */
    wasLeftOut() {
      const was = leftOut;
      leftOut = false;
      return was;
    },
  };
}
