/** The service's life: configuration, application, signals, and an orderly end. */
import pino, { type Logger } from 'pino';
import { type App, startApp } from './app.ts';
import { loadConfig, type Overrides } from './config.ts';

/** Starts the service; the caller says where to look. */
export async function serve(overrides: Overrides, log: Logger = pino(pino.destination(2))): Promise<App> {
  return startApp(loadConfig(overrides), log);
}

/**
 * Waits for a signal or a failure, then closes.
 * @param stopping called before closing
 * @returns the exit code
 */
export async function untilStopped(app: App, stopping: () => void = () => {}): Promise<number> {
  const signalled = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(undefined));
  });
  const failure = await Promise.race([signalled, app.failed]);
  stopping();
  await app.close();
  return failure === undefined ? 0 : 1;
}
