// Decisions that are not acknowledged yet: kept in the browser's database, sent one by one, in order.
// A decision leaves the outbox once the server has it on disk, or has said that it will not take it.

const WAITS_MS = [500, 1000, 2000, 5000, 10000];

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class Outbox {
  // `heard` has: sent(body, answer), conflict(body, answer), refused(body, why), signIn(), changed(n, isOffline).
  constructor(heard) {
    this.heard = heard;
    this.failures = 0;
    this.isSending = false;
    this.timer = null;
  }

  async open(name) {
    const opening = indexedDB.open(`review-${name}`, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("decisions", { autoIncrement: true });
    this.database = await asked(opening);
    addEventListener("online", () => this.send());
    await this.tell();
    this.send();
  }

  store(mode) { return this.database.transaction("decisions", mode, { durability: "strict" }).objectStore("decisions"); }

  async count() { return asked(this.store("readonly").count()); }

  async tell() { this.heard.changed(await this.count(), this.failures > 0); }

  async waiting() { return asked(this.store("readonly").getAll()); }

  async add(body) {
    await asked(this.store("readwrite").add(body));
    await this.tell();
    this.send();
  }

  async first() {
    const cursor = await asked(this.store("readonly").openCursor());
    return cursor && { key: cursor.key, body: cursor.value };
  }

  async send() {
    if (this.isSending) return;
    clearTimeout(this.timer);
    this.isSending = true;
    try {
      // Tabs of one browser share the outbox: one of them sends at a time.
      await navigator.locks.request("review-outbox", async () => {
        for (let next = await this.first(); next; next = await this.first()) await this.sendOne(next);
      });
      this.failures = 0;
    } catch (error) {
      this.failures += error.message === "sign in" ? 0 : 1;
      if (error.message === "sign in") this.heard.signIn();
      else this.timer = setTimeout(() => this.send(), WAITS_MS[Math.min(this.failures, WAITS_MS.length) - 1]);
    } finally {
      this.isSending = false;
      await this.tell();
    }
  }

  async sendOne({ key, body }) {
    const response = await fetch("/api/decisions", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      signal: AbortSignal.timeout(20000),
    });
    if (response.status === 401) throw new Error("sign in"); // nothing leaves the outbox
    if (response.status >= 500 || response.status === 429) throw new Error(`status ${response.status}`);
    const told = await response.json();
    await asked(this.store("readwrite").delete(key));
    this.failures = 0;
    if (response.ok) this.heard.sent(body, told);
    else if (response.status === 409) this.heard.conflict(body, told.answer);
    else this.heard.refused(body, told.error ?? JSON.stringify(told.detail));
    await this.tell();
  }
}
