/** Up to which seq all events of each source are in a log, whatever the order in which they came into it. */
export class Reach {
  readonly #sources = new Map<string, { through: number; beyond: Set<number> }>();

  add(source: string, seq: number): void {
    let reached = this.#sources.get(source);
    if (reached === undefined) {
      reached = { through: 0, beyond: new Set() };
      this.#sources.set(source, reached);
    }
    if (seq > reached.through + 1) reached.beyond.add(seq);
    else if (seq === reached.through + 1) {
      reached.through = seq;
      while (reached.beyond.delete(reached.through + 1)) reached.through++;
    }
  }

  /** Sources of which the first event is missing are left out. */
  through(): Map<string, number> {
    const reached = [...this.#sources].filter(([, { through }]) => through > 0);
    return new Map(reached.map(([source, { through }]) => [source, through]));
  }
}
