// What was sent from this phone, and what waits: one line each in the list [data-outbox], in the words of its template.
import { sending } from "./sending.js";

const LATE_MS = 60_000;

/** Keep the list of a page in step with the queue; `mine(item)` says which items belong to it. */
export function outbox(list, mine) {
  const queue = sending();
  const lines = new Map();
  const words = list.dataset;
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: words.zone || undefined,
  });

  function line(id, tone, lead, rest) {
    const shown = lines.get(id) || list.appendChild(document.createElement("li"));
    lines.set(id, shown);
    shown.className = "note";
    shown.dataset.tone = tone;
    const bold = document.createElement("strong");
    bold.textContent = lead;
    shown.replaceChildren(bold, ` ${rest}`);
    return shown;
  }

  function link(shown, href, text) {
    const made = document.createElement("a");
    made.href = href;
    made.textContent = text;
    shown.append(" ", made);
  }

  function button(shown, text, press) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn second";
    made.textContent = text;
    made.addEventListener("click", press);
    shown.append(" ", made);
  }

  function waits(item) {
    line(item.id, "wait", words.saved, `${words.closable} ${quote(item)}`);
  }

  function quote(item) {
    return item.fields.note ? `“${item.fields.note}”` : "";
  }

  function refused(item) {
    const said = words[`no_${item.problem.code}`] || words.no;
    const shown = line(item.id, "attention", said, quote(item));
    button(shown, words.again, () => queue.again(item.id).catch(() => {}));
    button(shown, words.drop, async () => {
      await queue.drop(item.id);
      shown.remove();
      lines.delete(item.id);
    });
  }

  function sent(item, answer) {
    const taken = Date.parse(item.fields.captured_at || "");
    const isLate = item.photo && Date.now() - taken > LATE_MS;
    const times = (text) => text.replaceAll("%(taken)s", clock.format(taken)).replace("%(arrived)s", clock.format(Date.now()));
    const isAdded = /\/(join|evidence\/photo)$/.test(item.url);
    const added = isAdded ? (item.photo ? words.added : words.addedWords) : "";
    const shown = line(item.id, "done", isAdded ? added : words.sent, isLate ? times(words.late) : "");
    if (answer?.ids?.case) link(shown, `/exceptions/${answer.ids.case}`, words.see);
  }

  async function all() {
    for (const item of (await queue.items()).filter(mine)) {
      if (lines.get(item.id)?.dataset.state === item.state) continue; // said once is enough
      if (item.state === "refused") refused(item);
      else waits(item);
      lines.get(item.id).dataset.state = item.state;
    }
  }

  document.addEventListener("tallystick:sent", ({ detail: [item, answer] }) => mine(item) && sent(item, answer));
  document.addEventListener("tallystick:refused", ({ detail: [item] }) => mine(item) && refused(item));
  document.addEventListener("tallystick:changed", () => all().catch(() => {}));
  document.addEventListener("tallystick:signedOut", () => {
    link(line("signed-out", "attention", words.signedOut, words.signedOutRest), "/sign-in?next=/report", words.signIn);
  });
  all().catch(() => {});
}
