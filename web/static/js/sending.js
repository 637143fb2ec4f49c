// The one queue of a page, of whoever is signed in: it sends what waits, fills the count of unsent things, and tells the
// rest of the page by events: tallystick:changed, :sent, :refused, :signedOut (detail: what the queue's callbacks get).
import { Queue } from "./queue.js";

const KEPT = "tallystick-unsent-";
const NUMBER = "%(num)s";
let queue = null;

/** Return the queue, started on the first call. */
export function sending() {
  if (queue) return queue;
  const person = document.body.dataset.member;
  const tell = (name) => (...told) => {
    document.dispatchEvent(new CustomEvent(`tallystick:${name}`, { detail: told }));
  };
  const changed = (counts) => {
    remember(person, counts.waiting);
    count(counts.waiting + counts.refused);
    tell("changed")(counts);
  };
  const on = { changed, sent: tell("sent"), refused: tell("refused"), signedOut: tell("signedOut") };
  queue = new Queue(person, on);
  queue.start().catch(() => {}); // this browser keeps nothing: add() says so when it matters
  return queue;
}

/** Other pages of this person send what waits too, and load the queue only then. */
function remember(person, waiting) {
  try {
    if (waiting) localStorage.setItem(KEPT + person, "1");
    else localStorage.removeItem(KEPT + person);
  } catch {
    // no room: the page Report sends it
  }
}

function count(number) {
  document.querySelectorAll("[data-unsent]").forEach((shown) => {
    const words = shown.querySelector("[data-many]");
    words.textContent = (number === 1 ? words.dataset.one : words.dataset.many).replace(NUMBER, number);
    shown.hidden = number === 0;
  });
}
