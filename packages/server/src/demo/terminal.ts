import { Tidemark } from '@tidemark/client';
import { DemoDisplay } from './display.ts';
import { demoError } from './publish.ts';

const REDRAW_MS = 250;
const SUMMARY_MS = 5_000;

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const ERASE_LINE = '\x1b[2K';

export interface TerminalOptions {
  /** Base URL of a running server; its page is there too. */
  url: string;
  out: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  /** Ends the display. */
  signal: AbortSignal;
}

/**
 * Shows the live feed until the signal aborts: a small picture redrawn in place on a terminal, else one line every
 * five seconds.
 */
export async function showInTerminal({ url, out, signal }: TerminalOptions): Promise<void> {
  const display = new DemoDisplay(url, Date.now());
  const draw = out.isTTY ? redrawer(display, out) : () => out.write(`${display.summary(Date.now())}\n`);
  const timer = setInterval(draw, out.isTTY ? REDRAW_MS : SUMMARY_MS);
  if (out.isTTY) out.write(HIDE_CURSOR);
  try {
    const onRetry = (error: unknown) => {
      display.trouble = `${demoError(error, 'live feed').message}; trying again`;
    };
    const messages = new Tidemark({ url }).watch({ signal, onRetry });
    for await (const message of messages) display.take(message, Date.now());
  } finally {
    clearInterval(timer);
    if (out.isTTY) out.write(SHOW_CURSOR);
  }
}

/** Draws over its own last picture. Lines are cut to the width: one that wrapped would shift all that follow. */
function redrawer(display: DemoDisplay, out: TerminalOptions['out']): () => void {
  let drawn = 0;
  return () => {
    // Some pseudo-terminals report a width of 0.
    const width = (out.columns || 80) - 1;
    const lines = display.lines(Date.now());
    const up = drawn > 0 ? `\x1b[${drawn}A` : '';
    out.write(up + lines.map((line) => `${ERASE_LINE}${line.slice(0, width)}\n`).join(''));
    drawn = lines.length;
  };
}
