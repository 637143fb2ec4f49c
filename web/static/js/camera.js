// The camera inside the page: a live picture in a given <video>, one still of it, and an end that turns the lamp off.
// No words here: an error carries a code, and the page says it in its own language.

const CODES = {
  NotAllowedError: "denied", // by the person, or by the page's permissions
  SecurityError: "denied",
  NotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy", // another program has it
  AbortError: "busy",
};

/** The camera cannot be used; `code` is one of denied, none, busy, unsupported. A file picker is the way round. */
export class CameraError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Say whether this browser has a camera to ask for at all (it needs HTTPS or localhost). */
export function hasCamera() {
  return Boolean(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
}

/**
 * Show the camera in `video` and return {still, stop}.
 *
 * still()  a canvas of what is seen now, and when: {canvas, capturedAt} (RFC 3339 UTC, this device's clock)
 * stop()   ends the picture; also when the page is hidden, so that no lamp stays on in a pocket
 *
 * @param {HTMLVideoElement} video needs the attributes muted and playsinline
 * @throws {CameraError}
 */
export async function openCamera(video, stopped = () => {}) {
  if (!hasCamera()) throw new CameraError("unsupported");
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1440 } },
    });
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    end(stream, video);
    throw new CameraError(CODES[error.name] || "busy");
  }
  const hide = () => document.visibilityState === "hidden" && stop();
  function stop() {
    document.removeEventListener("visibilitychange", hide);
    window.removeEventListener("pagehide", stop);
    if (end(stream, video)) stopped();
  }
  document.addEventListener("visibilitychange", hide);
  window.addEventListener("pagehide", stop);
  return { still: () => still(video), stop };
}

function end(stream, video) {
  const tracks = stream ? stream.getTracks().filter((track) => track.readyState === "live") : [];
  tracks.forEach((track) => track.stop());
  if (video.srcObject === stream) video.srcObject = null;
  return tracks.length > 0;
}

function still(video) {
  if (!video.videoWidth) throw new CameraError("busy"); // no picture has come yet
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return { canvas, capturedAt: new Date().toISOString() };
}
