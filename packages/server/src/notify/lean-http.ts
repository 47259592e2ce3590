/**
 * Node's HTTP client. An `import` of it would also load all that its module names (fetch, WebSocket, TLS, zlib), which
 * takes 90 ms; asked for like this it takes 10, and a notification has 150 from start to exit.
 */
export const http = process.getBuiltinModule('node:http');

export function secureHttp(): typeof import('node:https') {
  return process.getBuiltinModule('node:https');
}
