// Starts the API: ISSUER=http://localhost:3000 npx node examples/resource-server/server.ts
import { createServer } from 'node:http';
import { createApi } from './api.ts';

const { ISSUER = 'http://localhost:3000', PORT = '3002' } = process.env;
const {
  AUDIENCE = `${ISSUER}/api`,
  ALGORITHM = 'RS256',
  BASE_URL = `http://localhost:${PORT}`,
} = process.env;

const api = createApi({
  issuer: ISSUER,
  audience: AUDIENCE,
  algorithm: ALGORITHM,
  baseUrl: BASE_URL,
  log: (line) => console.log(line),
});

const server = createServer(api.callback());
server.once('error', (error) => {
  console.error(`The API cannot start: ${error.message}`);
  process.exit(1);
});
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`The API listens on ${BASE_URL}, for tokens of ${ISSUER} for ${AUDIENCE}`);
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections();
  });
}
