/** GitHub tells times in seconds, and a client sees a write by its time: here every write is a second of its own. */
export class Clock {
  #seconds = Date.UTC(2026, 0, 1) / 1000;

  tick(): string {
    this.#seconds += 1;
    return new Date(this.#seconds * 1000).toISOString().replace(/\.000Z$/, "Z");
  }
}
