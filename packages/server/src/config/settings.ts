/** How each setting is read: from its text in the environment, or its value in the configuration file. */
export class ConfigError extends Error {
  readonly code: 'setting-invalid' | 'setting-unknown' | 'setting-unsupported' | 'settings-contradict';

  constructor(code: ConfigError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConfigError';
    this.code = code;
  }
}

export function invalid(setting: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError('setting-invalid', `${setting}: ${why}`, { cause });
}

/** A setting in the configuration file. */
export interface FileSetting {
  /** How messages name it: the file, and the key in it. */
  label: string;
  value: unknown;
}

/** The value of a setting under its name in the environment; the environment wins over the file. */
export class Settings {
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #file: ReadonlyMap<string, FileSetting>;

  constructor(env: Readonly<Record<string, string | undefined>>, file: ReadonlyMap<string, FileSetting>) {
    this.#env = env;
    this.#file = file;
  }

  /** The setting as whoever set it knows it: by its name in the environment, or by its place in the file. */
  label(name: string): string {
    return this.#inEnvironment(name) === undefined ? (this.#file.get(name)?.label ?? name) : name;
  }

  has(name: string): boolean {
    return this.#raw(name) !== undefined;
  }

  string(name: string): string | undefined {
    const raw = this.#raw(name);
    if (raw === undefined) return undefined;
    if (typeof raw !== 'string') throw invalid(this.label(name), 'must be text');
    return raw;
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const raw = this.#raw(name);
    if (raw === undefined) return fallback;
    const value = typeof raw === 'string' && /^-?\d+$/.test(raw) ? Number(raw) : raw;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw invalid(this.label(name), `must be a whole number from ${min} to ${max}, not ${JSON.stringify(raw)}`);
    }
    return value;
  }

  boolean(name: string, fallback: boolean): boolean {
    const raw = this.#raw(name);
    if (raw === undefined) return fallback;
    if (raw === true || raw === 'true') return true;
    if (raw === false || raw === 'false') return false;
    throw invalid(this.label(name), `must be true or false, not ${JSON.stringify(raw)}`);
  }

  oneOf<T extends string>(name: string, values: readonly T[], fallback: T): T {
    const raw = this.#raw(name);
    if (raw === undefined) return fallback;
    const value = values.find((candidate) => candidate === raw);
    if (value === undefined)
      throw invalid(this.label(name), `must be one of ${values.join(', ')}, not ${JSON.stringify(raw)}`);
    return value;
  }

  /** A setting that is JSON text in the environment, and plain JSON in the file. */
  json(name: string): unknown {
    const raw = this.#raw(name);
    if (typeof raw !== 'string') return raw;
    try {
      return JSON.parse(raw);
    } catch (cause) {
      throw invalid(this.label(name), 'is not valid JSON', cause);
    }
  }

  #raw(name: string): unknown {
    return this.#inEnvironment(name) ?? this.#file.get(name)?.value;
  }

  #inEnvironment(name: string): string | undefined {
    return this.#env[name] || undefined;
  }
}

/** `watchMaxClients` → `WATCH_MAX_CLIENTS`. */
export function environmentName(camelCase: string): string {
  return camelCase.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
