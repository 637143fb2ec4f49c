// Nonces for photos, fetched while there is a network and taken one by one, so that a photo taken without one can still
// say when. Kept per person; each is good for one photo, and for a day.

const KEPT = "tallystick-nonces-";
const ADDRESS = "/api/v1/captures/nonces";
const FEW = 5;
const SPARE_MINUTES = 30; // one that ends in a moment would be too old when its photo arrives

/** Take one nonce of this person along; null: none is left, and the photo will count as a file. */
export function takeNonce(person) {
  const [first, ...rest] = good(person);
  keep(person, rest);
  return first ? first.nonce : null;
}

/** Fetch more when few are left; says whether any are there now. Without a network nothing happens. */
export async function fetchNonces(person) {
  if (good(person).length < FEW && navigator.onLine !== false) {
    try {
      const reply = await fetch(ADDRESS, { method: "POST", credentials: "same-origin", redirect: "manual" });
      if (reply.ok) {
        const told = await reply.json();
        keep(person, [...good(person), ...told.nonces.map((nonce) => ({ nonce, until: told.until }))]);
      }
    } catch {
      // no network: the next time the page opens
    }
  }
  return good(person).length > 0;
}

/** Forget them; call it when somebody signs out for good. */
export function dropNonces(person) {
  localStorage.removeItem(KEPT + person);
}

function good(person) {
  const end = Date.now() + SPARE_MINUTES * 60_000;
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT + person) || "[]");
    return kept.filter((one) => Date.parse(one.until) > end);
  } catch {
    return [];
  }
}

function keep(person, nonces) {
  try {
    localStorage.setItem(KEPT + person, JSON.stringify(nonces));
  } catch {
    // no room: they are fetched again
  }
}
