import { fetchProof } from './api.ts';
import { check, parseProof } from './check.ts';
import { byId } from './dom.ts';
import { PortalError } from './errors.ts';
import { tamper } from './tamper.ts';
import { VerdictView } from './verdict-view.ts';

/** An anchor takes about two seconds on the development chain. */
const ANCHOR_POLL_MS = 500;
const ANCHOR_POLLS = 20;
const MAX_FILE_BYTES = 8 << 20;

/** Fetches or takes in a proof, verifies it in the browser, and lets it be changed and verified again. */
export class ProofPanel {
  #view = new VerdictView();
  #section = byId('proof', HTMLElement);
  #input = byId('event-id', HTMLInputElement);
  #text = byId('proof-text', HTMLTextAreaElement);
  #lookAgain = byId('look-again', HTMLButtonElement);
  #buttons = ['verify', 'tamper', 'restore', 'download'].map((id) => byId(id, HTMLButtonElement));
  /** The proof as it came, for restore and download. */
  #original = '';
  #work = new AbortController();

  constructor() {
    byId('proof-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.open(this.#input.value.trim());
    });
    this.#lookAgain.addEventListener('click', () => this.open(this.#input.value.trim()));
    this.#text.addEventListener('input', () => this.#edited());
    const [verify, change, restore, download] = this.#buttons;
    verify?.addEventListener('click', () => this.#verifyText());
    change?.addEventListener('click', () => this.#tamper());
    restore?.addEventListener('click', () => this.#restore());
    download?.addEventListener('click', () => this.#download());
    this.#takeFiles();
    this.#enable();
  }

  /** Fetches the proof of an event and verifies it, again and again until it is anchored. */
  open(eventId: string): void {
    if (eventId === '') return;
    this.#input.value = eventId;
    this.#section.scrollIntoView({ block: 'start' });
    this.#section.focus({ preventScroll: true });
    const signal = this.#begin();
    this.#view.say('Fetching the proof…', '', 'busy');
    this.#fetchUntilAnchored(eventId, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#fail(error);
    });
  }

  async #fetchUntilAnchored(eventId: string, signal: AbortSignal): Promise<void> {
    for (let poll = 0; ; poll += 1) {
      const text = await fetchProof(eventId, signal);
      const last = poll === ANCHOR_POLLS;
      if (!this.#accept(text, !last) || last) return;
      await new Promise((resolve) => setTimeout(resolve, ANCHOR_POLL_MS));
      if (signal.aborted) return;
    }
  }

  /** Takes a proof in as the new original and shows the verdict on it; true when it is good and lacks its anchor. */
  #accept(text: string, waiting: boolean): boolean {
    this.#original = text;
    this.#text.value = JSON.stringify(parseProof(text), null, 2);
    this.#enable();
    return this.#judge(waiting);
  }

  #judge(waiting: boolean): boolean {
    const checked = check(this.#text.value);
    this.#view.show(checked, waiting);
    const unanchored = checked.report.valid && checked.report.level === 'certified';
    this.#lookAgain.hidden = waiting || !unanchored || this.#input.value === '';
    return unanchored;
  }

  #verifyText(): void {
    this.#begin();
    this.#attempt(() => this.#judge(false));
  }

  #tamper(): void {
    this.#begin();
    this.#attempt(() => {
      const { proof, changed } = tamper(parseProof(this.#text.value));
      this.#text.value = JSON.stringify(proof, null, 2);
      this.#view.say(`Changed ${changed}.`, 'Verify the text to see whether that goes unnoticed.');
      this.#scrollTextTo(changed);
    });
  }

  #restore(): void {
    this.#begin();
    this.#attempt(() => this.#accept(this.#original, false));
  }

  #edited(): void {
    this.#begin();
    this.#enable();
    this.#view.say('Changed and not verified.', 'Verify the text to see whether that goes unnoticed.');
  }

  #download(): void {
    const url = URL.createObjectURL(new Blob([this.#original], { type: 'application/json' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `tidemark-proof-${this.#input.value.replace(/[^0-9a-z]/gi, '') || 'file'}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }

  #takeFiles(): void {
    const chooser = byId('proof-file', HTMLInputElement);
    chooser.addEventListener('change', () => this.#openFile(chooser.files?.[0]));
    addEventListener('dragover', (event) => {
      event.preventDefault();
      document.body.classList.add('dropping');
    });
    addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) document.body.classList.remove('dropping');
    });
    addEventListener('drop', (event) => {
      event.preventDefault();
      document.body.classList.remove('dropping');
      this.#openFile(event.dataTransfer?.files[0]);
    });
  }

  #openFile(file: File | undefined): void {
    if (!file) return;
    const signal = this.#begin();
    this.#section.scrollIntoView({ block: 'start' });
    if (file.size > MAX_FILE_BYTES) {
      this.#view.say('This file is too large for a proof.');
      return;
    }
    file.text().then(
      (text) => {
        if (signal.aborted) return;
        this.#input.value = '';
        this.#attempt(() => this.#accept(text, false));
      },
      (error: unknown) => this.#view.say('This file cannot be read.', String(error)),
    );
  }

  /** Ends whatever was under way. */
  #begin(): AbortSignal {
    this.#work.abort();
    this.#work = new AbortController();
    this.#lookAgain.hidden = true;
    return this.#work.signal;
  }

  #attempt(action: () => unknown): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof PortalError)) {
      this.#view.say('This page failed.', String(error), 'refused');
      throw error;
    }
    if (error.code === 'not-json') this.#view.say('Refused: malformed', error.message, 'refused');
    else this.#view.say('No proof to check.', error.message);
  }

  #enable(): void {
    const [verify, change, restore, download] = this.#buttons;
    for (const button of [verify, change]) if (button) button.disabled = this.#text.value === '';
    for (const button of [restore, download]) if (button) button.disabled = this.#original === '';
  }

  /** Brings the changed line into view and selects it. */
  #scrollTextTo(changed: string): void {
    const name = changed.slice(changed.indexOf('.') + 1);
    const text = this.#text.value;
    const section = text.indexOf(`\n  "${changed.slice(0, changed.indexOf('.'))}"`);
    const start = text.indexOf(`${JSON.stringify(name)}:`, section);
    if (start < 0) return;
    const lineEnd = text.indexOf('\n', start);
    this.#text.focus();
    this.#text.setSelectionRange(start, lineEnd < 0 ? text.length : lineEnd);
    const line = text.slice(0, start).split('\n').length;
    this.#text.scrollTop = (this.#text.scrollHeight * (line - 4)) / text.split('\n').length;
  }
}
