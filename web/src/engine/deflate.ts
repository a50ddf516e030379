/** Compress by the platform's own streams; the one file of the engine that needs a browser or Node. */

import type { Codec } from './chunks';

async function through(
  bytes: Uint8Array,
  stream: CompressionStream | DecompressionStream,
): Promise<Uint8Array> {
  const body = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(body).arrayBuffer());
}

/** DEFLATE (RFC 1951) without a header. */
export const deflate: Codec = {
  compress: (bytes) => through(bytes, new CompressionStream('deflate-raw')),
  decompress: (bytes) => through(bytes, new DecompressionStream('deflate-raw')),
};
