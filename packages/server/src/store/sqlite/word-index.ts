/** Full text in SQLite: what words are, and the search over texts that are few enough to be in memory. */
import { DatabaseSync } from 'node:sqlite';
import type { WordIndex } from '../catalog.ts';

/** The FTS5 expression for words in the column `words`: each begins one. Quoted, so that nothing is an operator. */
export function matchOfWords(words: readonly string[]): string[] {
  return words.map((word) => `words : "${word.replaceAll('"', '""')}"*`);
}

export class SqliteWordIndex implements WordIndex {
  readonly #db = new DatabaseSync(':memory:');
  #texts = '';

  constructor() {
    this.#db.exec('CREATE VIRTUAL TABLE search USING fts5 (name UNINDEXED, words)');
  }

  find(texts: ReadonlyMap<string, string>, words: readonly string[]): Set<string> {
    this.#put(texts);
    const sql = 'SELECT name FROM search WHERE search MATCH ?';
    const rows = this.#db.prepare(sql).all(matchOfWords(words).join(' AND '));
    return new Set(rows.map(({ name }) => String(name)));
  }

  close(): void {
    this.#db.close();
  }

  #put(texts: ReadonlyMap<string, string>): void {
    const state = JSON.stringify([...texts]);
    if (state === this.#texts) return;
    this.#db.exec('DELETE FROM search');
    const insert = this.#db.prepare('INSERT INTO search VALUES (?, ?)');
    for (const [name, text] of texts) insert.run(name, text);
    this.#texts = state;
  }
}
