/** The thread of the packaged model: it takes 30 ms a text, and 150 MB, which are free again when the thread ends. */
import { parentPort } from 'node:worker_threads';
import { EnglishModel } from '../embedding/english-model.ts';
import type { FromEmbedding, ToEmbedding } from './embedding-protocol.ts';
import { inWords } from './in-words.ts';

const port = parentPort!;
const model = new EnglishModel();

port.on('message', (message: ToEmbedding) => void answer(message));

async function answer({ id, text }: ToEmbedding): Promise<void> {
  try {
    const vector = await model.embed(text);
    port.postMessage({ kind: 'vector', id, vector } satisfies FromEmbedding, [vector.buffer]);
  } catch (error) {
    port.postMessage({ kind: 'failed', id, message: inWords(error) } satisfies FromEmbedding);
  }
}
