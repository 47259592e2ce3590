/** The service's life: configuration, application, signals, and an orderly end. */
import pino, { type Logger } from 'pino';
import { type App, startApp } from './app.ts';
import { loadConfig, type Overrides } from './config.ts';

/** Starts the service; the caller says where to look. */
export async function serve(overrides: Overrides, log: Logger = pino(pino.destination(2))): Promise<App> {
  return startApp(loadConfig(overrides), log);
}

/** Settles at the first request to stop. To be called before anyone is told that the service is there. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/**
 * Waits for the signal or a failure, then closes.
 * @param stopping called before closing
 * @returns the exit code
 */
export async function untilStopped(
  app: App,
  signalled: Promise<void>,
  stopping: () => void = () => {},
): Promise<number> {
  const failure = await Promise.race([signalled, app.failed]);
  stopping();
  await app.close();
  return failure instanceof Error ? 1 : 0;
}
