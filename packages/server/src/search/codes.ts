/**
 * A vector in 8 bits a component, and how far that is from it. Directions are what is compared: a code stands for the
 * vector of length 1.
 */

/** A multiple of it: as many components as the kernel takes at a time. */
const COMPONENTS_AT_A_TIME = 16;
const MAX_CODE = 127;
const MAX_QUERY = 32_767;
/** What arithmetic with 64 bits may be off by, with room to spare. */
const ROUNDING = 1e-9;

/** Bytes of a code. */
export function codeBytes(dimensions: number): number {
  return Math.ceil(dimensions / COMPONENTS_AT_A_TIME) * COMPONENTS_AT_A_TIME;
}

/** What a code or a query stands for: each component times `scale`, at a distance of `error` from the vector. */
export interface Quantized {
  scale: number;
  error: number;
}

export function encode(vector: Float32Array, code: Int8Array): Quantized {
  return quantize(vector, code, MAX_CODE);
}

/** The largest numbers with which no sum of products leaves 32 bits. */
export function encodeQuery(vector: Float32Array, code: Int16Array): Quantized {
  const largest = Math.floor((2 ** 31 - 1) / (MAX_CODE * code.length));
  return quantize(vector, code, Math.min(MAX_QUERY, largest));
}

/** By how much a product of codes, times both scales, may differ from the cosine of the angle between the vectors. */
export function uncertainty(vector: Quantized, query: Quantized): number {
  // <v, q> - <v', q'> = <v - v', q> + <v', q - q'>, by Cauchy and Schwarz; v' is no longer than 1 + its error.
  return vector.error + (1 + vector.error) * query.error + ROUNDING;
}

/** Cosine of the angle between two vectors, neither of which is zero. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let product = 0;
  for (let at = 0; at < a.length; at++) product += a[at]! * b[at]!;
  return product / (length(a) * length(b));
}

function length(vector: Float32Array): number {
  let squares = 0;
  for (const component of vector) squares += component * component;
  return Math.sqrt(squares);
}

function quantize(vector: Float32Array, code: Int8Array | Int16Array, limit: number): Quantized {
  const unit = 1 / length(vector);
  let largest = 0;
  for (const component of vector) largest = Math.max(largest, Math.abs(component));
  const scale = (largest * unit) / limit;
  code.fill(0);
  let squares = 0;
  for (let at = 0; at < vector.length; at++) {
    const component = vector[at]! * unit;
    const rounded = Math.round(component / scale);
    code[at] = rounded;
    squares += (component - rounded * scale) ** 2;
  }
  return { scale, error: Math.sqrt(squares) };
}

/** Why a vector cannot be indexed or searched with; undefined if it can. */
export function vectorFault(vector: ArrayLike<unknown>, dimensions: number): string | undefined {
  if (vector.length !== dimensions) return `dimension: ${vector.length}, expected ${dimensions}`;
  let largest = 0;
  for (let at = 0; at < vector.length; at++) {
    const component = vector[at];
    if (typeof component !== 'number' || !Number.isFinite(Math.fround(component)))
      return 'not a list of finite numbers';
    largest = Math.max(largest, Math.abs(component));
  }
  // Less, and its square is no number of 64 bits; of directions, more than enough.
  return largest < SMALLEST ? 'zero, which has no direction' : undefined;
}

const SMALLEST = 1e-30;
