// Things to send that survive a closed tab: forms with at most one photo, kept in IndexedDB until the server has them.
//
//   add -> waiting -> sent (gone from here)      the server recorded it, exactly once: the item's id is its Idempotency-Key
//             |  \--> refused (kept, with why)   it will never be taken as it is; the person sends it again or drops it
//             \-----> waiting                    no network, signed out, or the server is busy: tried again later
//
// An item belongs to the person who made it and is sent in their session only: on a shared phone nobody sends what
// another wrote, and the server refuses a form whose part `member` is not who is signed in. What was sent may be sent again after a lost answer; the server answers with the same ids.
// No words here: callbacks get codes and counts, and the page says them in its own language.

const DATABASE = "tallystick-queue";
const STORE = "sends";
const ITEMS_MAX = 50;
const SECONDS_FIRST = 2;
const SECONDS_MAX = 300;
const ANSWER_SECONDS_MAX = 60;
const LATER = new Set([408, 425, 429]);

/** It cannot be kept; `code` is full (too many, or no room) or unsupported. */
export class QueueError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export class Queue {
  /**
   * @param {string} person who is signed in (the member's id)
   * @param {object} on callbacks, each optional:
   *   changed({waiting, refused, sending, online})  after every change; counts are of this person's items
   *   sent(item, answer)      the server's JSON
   *   refused(item, problem)  problem is the server's {status, code, detail, errors}
   *   signedOut()             nothing more is sent until start() is called in a new session
   */
  constructor(person, on = {}) {
    this.person = person;
    this.on = on;
    this.busy = false;
    this.timer = null;
    this.wake = () => this.flush();
    this.seen = () => document.visibilityState === "visible" && this.flush();
  }

  /** Send what waits now, and from now on whenever the network or the page comes back. */
  async start() {
    window.addEventListener("online", this.wake);
    window.addEventListener("offline", this.wake);
    window.addEventListener("pageshow", this.wake);
    document.addEventListener("visibilitychange", this.seen);
    await this.flush();
  }

  /** Stop sending; what waits stays kept. */
  stop() {
    clearTimeout(this.timer);
    window.removeEventListener("online", this.wake);
    window.removeEventListener("offline", this.wake);
    window.removeEventListener("pageshow", this.wake);
    document.removeEventListener("visibilitychange", this.seen);
  }

  /**
   * Keep a form and send it as soon as possible. Returns its id once it is kept for good.
   * @param {string} url where to POST it, of this site
   * @param {Object<string, string>} fields texts by name; empty ones are left out
   * @param {Blob|null} photo
   * @param {string} name the photo's file name
   * @throws {QueueError}
   */
  async add(url, fields, photo = null, name = "photo.jpg") {
    const bytes = photo && { data: await photo.arrayBuffer(), type: photo.type, name };
    const id = newId();
    const item = { id, person: this.person, url, fields, photo: bytes, added: Date.now() };
    Object.assign(item, { state: "waiting", tries: 0, next: 0, problem: null });
    if ((await this.items()).length >= ITEMS_MAX) throw new QueueError("full");
    try {
      await inStore("readwrite", (store) => store.put(item));
    } catch (error) {
      throw error instanceof QueueError ? error : new QueueError("full");
    }
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
    this.flush();
    return id;
  }

  /** Return this person's items, oldest first. */
  async items() {
    const all = await inStore("readonly", (store) => store.getAll());
    return all.filter((item) => item.person === this.person).sort((a, b) => a.added - b.added);
  }

  /** Send a refused item once more, as it is. */
  async again(id) {
    await this.change(id, { state: "waiting", tries: 0, next: 0, problem: null });
    await this.flush();
  }

  /** Forget an item. */
  async drop(id) {
    await inStore("readwrite", (store) => store.delete(id));
    await this.tell();
  }

  /** Send what waits and is due. One tab at a time does it; a second one would be recognised by its keys all the same. */
  async flush() {
    if (this.busy) {
      this.onceMore = true;
      return;
    }
    this.busy = true;
    try {
      do {
        this.onceMore = false;
        const mine = await oneTab(() => this.sendAll().then(() => true));
        if (!mine) this.soon(); // another tab is at it, or was and is just closing: what it leaves is ours
      } while (this.onceMore);
    } finally {
      this.busy = false;
      await this.tell();
    }
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.wake, 1000);
  }

  async sendAll() {
    clearTimeout(this.timer);
    for (const item of await this.items()) {
      if (navigator.onLine === false) {
        this.soon(); // a page that was opened just before the network came back hears of no change
        return;
      }
      if (item.state !== "waiting" || item.next > Date.now()) continue;
      await this.tell();
      if (!(await this.sendOne(item))) return;
    }
    const waiting = (await this.items()).filter((item) => item.state === "waiting");
    if (waiting.length) {
      const next = Math.min(...waiting.map((item) => item.next));
      this.timer = setTimeout(this.wake, Math.max(1000, next - Date.now()));
    }
  }

  /** Send one item; false: nothing else can be sent now. */
  async sendOne(item) {
    let reply;
    try {
      reply = await fetch(item.url, {
        method: "POST",
        body: formOf(item),
        headers: { "Idempotency-Key": item.id, Accept: "application/json" },
        credentials: "same-origin",
        redirect: "manual",
        signal: AbortSignal.timeout(ANSWER_SECONDS_MAX * 1000),
      });
    } catch {
      await this.later(item, null);
      return true; // the next one may be smaller; each has its own wait
    }
    if (reply.ok) {
      const answer = await reply.json().catch(() => null);
      await inStore("readwrite", (store) => store.delete(item.id));
      this.call("sent", item, answer);
      return true;
    }
    if (reply.status === 401 || reply.type === "opaqueredirect") {
      this.call("signedOut");
      return false;
    }
    if (reply.status >= 500 || LATER.has(reply.status)) {
      await this.later(item, reply.headers.get("Retry-After"));
      return true;
    }
    const told = await reply.json().catch(() => ({}));
    if (told.code === "another_member") {
      this.call("signedOut"); // somebody else signed in meanwhile; this one's item waits for its own person
      return false;
    }
    const problem = { status: reply.status, code: told.code || "", detail: told.detail || "", errors: told.errors || [] };
    await this.change(item.id, { state: "refused", problem });
    this.call("refused", { ...item, state: "refused", problem }, problem);
    return true;
  }

  async later(item, secondsAsked) {
    const tries = item.tries + 1;
    const doubled = Math.min(SECONDS_MAX, SECONDS_FIRST * 2 ** item.tries);
    const seconds = Math.max(Number(secondsAsked) || 0, doubled * (0.5 + Math.random() / 2));
    await this.change(item.id, { tries, next: Date.now() + seconds * 1000 });
  }

  async change(id, values) {
    await inStore("readwrite", (store) => {
      const asked = store.get(id);
      asked.onsuccess = () => asked.result && store.put({ ...asked.result, ...values });
      return asked;
    });
  }

  async tell() {
    const mine = await this.items();
    const count = (state) => mine.filter((item) => item.state === state).length;
    const online = navigator.onLine !== false;
    this.call("changed", { waiting: count("waiting"), refused: count("refused"), sending: this.busy, online });
  }

  call(name, ...told) {
    if (this.on[name]) this.on[name](...told);
  }
}

function formOf(item) {
  const form = new FormData();
  form.append("member", item.person);
  for (const [name, value] of Object.entries(item.fields)) if (value) form.append(name, value);
  if (item.photo) form.append("photo", new Blob([item.photo.data], { type: item.photo.type }), item.photo.name);
  return form;
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function oneTab(work) {
  if (!navigator.locks) return work();
  return navigator.locks.request(DATABASE, { ifAvailable: true }, (held) => (held ? work() : undefined));
}

let opened = null;

function openDatabase() {
  opened ??= new Promise((resolve, reject) => {
    if (!window.indexedDB) {
      reject(new QueueError("unsupported"));
      return;
    }
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
    asked.onerror = () => reject(new QueueError("unsupported"));
    asked.onsuccess = () => {
      asked.result.onclose = () => (opened = null);
      resolve(asked.result);
    };
  });
  opened.catch(() => (opened = null));
  return opened;
}

/** Do one thing in the store and return its result once it is on the disk. */
async function inStore(mode, work) {
  const database = await openDatabase();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    const asked = work(transaction.objectStore(STORE));
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}
