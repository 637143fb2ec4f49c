// Passkeys: adding one, signing in by one, and signing a yes with one. Without a script, or where the browser knows no
// passkeys, the buttons stay hidden and the forms are ordinary forms. No words here: they come from the page.
"use strict";

const able = Boolean(
  window.PublicKeyCredential?.parseCreationOptionsFromJSON && window.PublicKeyCredential?.parseRequestOptionsFromJSON,
);

function tell(root, name) {
  // The sentence for what went wrong stands in the page already, hidden; it is an alert once it is seen.
  root.querySelectorAll("[data-passkey-said]").forEach((one) => (one.hidden = one.dataset.passkeySaid !== name));
}

async function ask(path, body, headers = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const told = await answer.json().catch(() => ({}));
  return { ok: answer.ok, status: answer.status, told };
}

function key() {
  return `page-${crypto.randomUUID()}`;
}

// ---------------------------------------------------------------- adding one
async function add(button) {
  const root = button.closest("[data-passkeys]");
  tell(root, "");
  button.disabled = true;
  try {
    const offered = await ask("/api/v1/me/passkeys/options", {}, { "Idempotency-Key": key() });
    if (!offered.ok) return tell(root, offered.told.code === "address_differs" ? "address" : "failed");
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(offered.told.options);
    const made = await navigator.credentials.create({ publicKey });
    const body = { token: offered.told.token, credential: made.toJSON() };
    const kept = await ask("/api/v1/me/passkeys", body, { "Idempotency-Key": key() });
    if (!kept.ok) return tell(root, kept.told.code === "passkey_known" ? "known" : "failed");
    location.assign("/me?said=passkey-added");
  } catch (error) {
    tell(root, error.name === "InvalidStateError" ? "known" : "cancelled");
  } finally {
    button.disabled = false;
  }
}

// ---------------------------------------------------------------- signing in
async function signIn(button) {
  const root = button.closest("[data-passkeys]");
  tell(root, "");
  button.disabled = true;
  try {
    const offered = await ask("/sign-in/passkey/options", {});
    if (!offered.ok) return tell(root, "failed");
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(offered.told);
    const signed = await navigator.credentials.get({ publicKey });
    const next = document.querySelector("form[data-passkey-form] [name=next]")?.value || "/";
    const done = await ask("/sign-in/passkey", { credential: signed.toJSON(), next });
    if (!done.ok) return tell(root, "failed");
    location.assign(done.told.next);
  } catch {
    tell(root, "cancelled");
  } finally {
    button.disabled = false;
  }
}

// ---------------------------------------------------------------- signing a yes
function meant(form, verb) {
  // The same as the form itself says to the page: what is signed is what is decided.
  const given = new FormData(form);
  const text = (name) => String(given.get(name) ?? "").trim().replaceAll("\r\n", "\n") || null;
  const award = text("about") === "award" && verb === "approved";
  const tokens = award && text("tokens") !== null ? Number(text("tokens")) : null;
  return {
    token: text("token"),
    verb,
    beneficiaries: tokens === null ? [] : (form.dataset.beneficiaries || "").split(" ").filter(Boolean),
    amount_tokens: tokens,
    budget: tokens ? text("budget") : null,
    reason: text("reason"),
    message: award ? text("message") : null,
  };
}

function put(form, name, value) {
  let field = form.querySelector(`[name=${name}]`);
  if (!field) {
    field = Object.assign(document.createElement("input"), { type: "hidden", name });
    form.append(field);
  }
  field.value = value;
}

async function sign(form, button) {
  tell(document, "");
  try {
    const prepared = await ask(form.dataset.passkey, meant(form, button?.value || "approved"), {
      "Idempotency-Key": key(),
    });
    // What the desk refuses here it refuses again as an ordinary form, in words, and nothing is decided unsigned.
    put(form, "passkey_wanted", "1");
    if (prepared.ok) {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(prepared.told.options);
      const signed = (await navigator.credentials.get({ publicKey })).toJSON();
      put(form, "passkey_prepared", prepared.told.prepared);
      put(form, "passkey_credential_id", signed.id);
      put(form, "passkey_client_data", signed.response.clientDataJSON);
      put(form, "passkey_authenticator_data", signed.response.authenticatorData);
      put(form, "passkey_signature", signed.response.signature);
    }
    form.dataset.signed = "1";
    form.requestSubmit(button ?? undefined);
  } catch {
    tell(document, "cancelled");
  } finally {
    delete form.dataset.signing;
  }
}

if (able) {
  // On the window, so that it comes before what every form does (app.js): an unsigned yes is no submission yet.
  addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!form.dataset.passkey || form.dataset.signed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (form.dataset.signing) return;
      form.dataset.signing = "1";
      sign(form, event.submitter);
    },
    true,
  );
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-passkey-do]");
    if (button) (button.dataset.passkeyDo === "add" ? add : signIn)(button);
  });
}

function show() {
  document.querySelectorAll("[data-passkey-able]").forEach((one) => (one.hidden = !able));
  document.querySelectorAll("[data-passkey-unable]").forEach((one) => (one.hidden = able));
}

document.addEventListener("htmx:after:swap", show);
show();
