// What every page does beyond plain forms: focus and announcement after a swap, buttons that cannot be pressed twice,
// drafts that survive a sign-out, keys, the toast's time. No words here: they come from the page.
"use strict";

const SAVING_MS = 300;
const TOAST_MS = 10_000;
const DRAFT = "draft:";

// ---------------------------------------------------------------- after a swap: focus, and one sentence
function settle(main) {
  const target = main.querySelector("[data-focus]") || main.querySelector("[role=alert]") || main.querySelector("h1, h2");
  if (target) {
    if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
    target.focus({ preventScroll: false });
  }
  say(main.querySelector("[data-say]")?.dataset.say || main.querySelector("[data-toast] [role=status]")?.textContent);
}

function say(sentence) {
  const live = document.getElementById("live");
  if (live && sentence) live.textContent = sentence.trim();
}

document.addEventListener("htmx:after:swap", () => {
  const main = document.getElementById("main");
  if (main) {
    settle(main);
    begin(main);
  }
});

// ---------------------------------------------------------------- a button is pressed once
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.own) return; // a module of its own sends it
  if (form.dataset.busy) {
    event.preventDefault();
    return;
  }
  form.dataset.busy = "1";
  keep(form);
  const button = event.submitter;
  const words = document.body.dataset.saving;
  const timer = setTimeout(() => {
    if (button && words) {
      button.dataset.words = button.textContent;
      button.textContent = words;
      button.setAttribute("aria-disabled", "true");
    }
  }, SAVING_MS);
  const free = () => {
    clearTimeout(timer);
    delete form.dataset.busy;
    if (button?.dataset.words) {
      button.textContent = button.dataset.words;
      button.removeAttribute("aria-disabled");
    }
  };
  form.addEventListener("htmx:finally:request", free, { once: true });
  addEventListener("pageshow", free, { once: true });
}, true);

// ---------------------------------------------------------------- drafts: kept in this tab until they were taken
function nameOf(field) {
  const form = field.form;
  return DRAFT + (form?.getAttribute("action") || location.pathname) + "#" + field.name;
}

document.addEventListener("input", (event) => {
  const field = event.target;
  if (!field.matches?.("[data-draft]")) return;
  if (field.value) sessionStorage.setItem(nameOf(field), field.value);
  else sessionStorage.removeItem(nameOf(field));
});

function keep(form) {
  const names = [...form.querySelectorAll("[data-draft]")].map(nameOf);
  if (names.length) sessionStorage.setItem("sent", JSON.stringify(names));
}

function drafts(root) {
  // What was sent and answered by neither a refusal nor a sign-in was taken: it is no draft any more.
  const refused = document.querySelector("[data-trouble], [data-passkey-form]");
  const sent = JSON.parse(sessionStorage.getItem("sent") || "[]");
  if (!refused && sent.length) {
    sent.forEach((name) => sessionStorage.removeItem(name));
    sessionStorage.removeItem("sent");
  }
  root.querySelectorAll("[data-draft]").forEach((field) => {
    const kept = sessionStorage.getItem(nameOf(field));
    if (kept && !field.value) field.value = kept;
  });
}

// ---------------------------------------------------------------- the toast goes when it was read
function toast(root) {
  const shown = root.querySelector("[data-toast]");
  if (!shown) return;
  const leave = () => {
    if (shown.matches(":hover") || shown.contains(document.activeElement)) setTimeout(leave, TOAST_MS);
    else shown.remove();
  };
  setTimeout(leave, TOAST_MS);
}

// ---------------------------------------------------------------- keys, where the page has a list to move in
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  if (document.documentElement.dataset.keys === "off") return;
  const list = document.querySelector("[data-keys]");
  if (!list) return;
  const links = [...list.querySelectorAll("a[data-item]")];
  const at = links.findIndex((link) => link.getAttribute("aria-current"));
  const press = (selector) => document.querySelector(selector);
  if (event.key === "j" && links[at + 1]) links[at + 1].click();
  else if (event.key === "k" && links[at - 1]) links[at - 1].click();
  else if (event.key === "a") press("[data-key=a]")?.focus();
  else if (event.key === "d") {
    const reasons = press("[data-key=d]");
    if (reasons) {
      reasons.open = true;
      reasons.querySelector("button, input")?.focus();
    }
  } else if (/^[1-9]$/.test(event.key) && press("[data-key=d]")?.open) {
    press("[data-key=d]").querySelectorAll("[data-reason]")[Number(event.key) - 1]?.focus();
  } else return;
  event.preventDefault();
});

// ---------------------------------------------------------------- something new: said above the list, never moved in
function listen(root) {
  const news = root.querySelector("[data-news]");
  if (!news || listen.open) return;
  listen.open = new EventSource(news.dataset.news);
  listen.open.addEventListener("decisions", (event) => {
    const shown = document.querySelector("[data-news]");
    if (!shown) return;
    const { count } = JSON.parse(event.data);
    if (listen.count !== undefined && count > listen.count) {
      shown.hidden = false;
      say(shown.textContent);
    }
    listen.count ??= count;
  });
}

// ---------------------------------------------------------------- parts with a script of their own, loaded where they are
function modules(root) {
  root.querySelectorAll("[data-module]").forEach(async (part) => {
    if (part.dataset.begun) return;
    part.dataset.begun = "1";
    const { begin: start } = await import(part.dataset.module);
    start(part);
  });
}

// ---------------------------------------------------------------- what waits on this device is sent from any page
const person = document.body.dataset.member;

async function unsent(root) {
  if (!person || !(root.querySelector("[data-unsent]") || localStorage.getItem(`tallystick-unsent-${person}`))) return;
  const { sending } = await import("./sending.js");
  await sending().tell().catch(() => {});
}

// ---------------------------------------------------------------- going out: nothing of this person stays to be opened
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-signs-out]") || form.dataset.forgot) return;
  event.preventDefault();
  form.dataset.forgot = "1";
  try {
    const [{ forgetReport }, { dropNonces }] = await Promise.all([import("./offline.js"), import("./nonces.js")]);
    if (person) dropNonces(person);
    await forgetReport();
  } finally {
    form.submit(); // what was not sent yet stays, for this person alone
  }
});

if (document.querySelector("[data-passkey-form]")) navigator.serviceWorker?.controller?.postMessage({ forget: true });

function begin(root) {
  drafts(root);
  toast(root);
  listen(root);
  modules(root);
  unsent(root).catch(() => {});
}

if ("serviceWorker" in navigator && isSecureContext && document.querySelector(".tabs")) {
  navigator.serviceWorker.register("/sw.js").catch(() => {});
}
begin(document);
