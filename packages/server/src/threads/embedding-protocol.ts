/** What the thread of the index and that of the packaged model say to each other. */

export interface ToEmbedding {
  id: number;
  text: string;
}

export type FromEmbedding =
  | { kind: 'vector'; id: number; vector: Float32Array<ArrayBuffer> }
  | { kind: 'failed'; id: number; message: string };
