// A photo as evidence on the page of an exception, sent through the queue. Without this script it is an ordinary form.
import { outbox } from "./outbox.js";
import { sending } from "./sending.js";
import { taking } from "./taking.js";

/** Take over the form. */
export function begin(form) {
  form.dataset.own = "1";
  const url = `/api/v1/cases/${form.dataset.case}/evidence/photo`;
  const photo = taking(form.querySelector("[data-photo]"), document.body.dataset.member);
  const trouble = form.querySelector("[data-refused]");
  const refuse = (text) => {
    trouble.textContent = text;
    trouble.hidden = !text;
  };
  form.querySelector("input[type=file]").required = false;
  outbox(form.querySelector("[data-outbox]"), (item) => item.url === url);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    refuse(photo.has() ? "" : form.dataset.empty);
    const taken = photo.current();
    if (!taken) return;
    const fields = { ...taken.fields, replaces: form.elements.replaces?.value || "" };
    try {
      await sending().add(url, fields, taken.blob, taken.name);
      photo.clear();
    } catch (error) {
      refuse(error.code === "full" ? form.dataset.full : form.dataset.unsupported);
    }
  });
}
