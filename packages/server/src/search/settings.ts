/** What is searched, and with what vectors. */
import type { EndpointSettings } from '../embedding/http-embedder.ts';

export interface SearchSettings {
  /** By stream, the paths in payloads whose texts are indexed. */
  searched: ReadonlyMap<string, readonly string[]>;
  /** Of every vector in the index. */
  dimensions: number;
  /** Otherwise the packaged model makes the vectors, which has 512 dimensions and knows English. */
  endpoint?: EndpointSettings | undefined;
}

/** Member of a payload that holds its vector, if it brings one. */
export const GIVEN_VECTOR = 'embedding';
