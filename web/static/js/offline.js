// Asks the browser to keep Report at hand without a connection, and to forget its copy when somebody signs out.

/**
 * Register the service worker and let it store the files that this page, Report, is made of.
 * @param {string[]} more addresses of files that the page loads later on (modules imported by others)
 */
export async function keepReport(more = []) {
  if (!("serviceWorker" in navigator)) return false;
  await navigator.serviceWorker.register("/sw.js", { scope: "/" });
  const ready = await navigator.serviceWorker.ready;
  const named = [...document.querySelectorAll("link[href], script[src], img[src]")];
  const files = [...named.map((one) => one.href || one.src), ...more.map((one) => new URL(one, location.href).href)];
  const loaded = performance.getEntriesByType("resource").map((one) => one.name);
  const ours = [...new Set([...files, ...loaded])].filter((one) => new URL(one).origin === location.origin);
  ready.active.postMessage({ keep: ours.filter((one) => new URL(one).pathname.startsWith("/static/")) });
  return true;
}

/** Drop the stored copy of Report; call it when somebody signs out. */
export async function forgetReport() {
  if (!("serviceWorker" in navigator)) return;
  const registered = await navigator.serviceWorker.getRegistration("/");
  if (registered && registered.active) registered.active.postMessage({ forget: true });
}
