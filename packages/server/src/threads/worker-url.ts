/** Where a worker's code is: beside this file, in the form in which this file itself runs. */
export function workerUrl(name: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`${name}${extension}`, import.meta.url);
}
