import { ConfigError, loadConfig, type Overrides } from '../../src/config.ts';

/** Why the settings are refused; fails when they are not. */
export function refusal(env: Record<string, string>, overrides: Overrides = {}): { code: string; message: string } {
  try {
    loadConfig(overrides, env);
  } catch (error) {
    if (error instanceof ConfigError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new TypeError(`taken: ${JSON.stringify(env)} ${JSON.stringify(overrides)}`);
}

export const sources = (...list: object[]) => ({ INGEST_SOURCES_JSON: JSON.stringify(list) });
export const streams = (...list: object[]) => ({ STREAMS_JSON: JSON.stringify(list) });
