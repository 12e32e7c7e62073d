// A server with a certificate that nobody has heard of. The key is for tests and good for nothing else.
import { createServer, type Server } from 'node:https';

const KEY = `
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgzFz47iEiJajqNv0J
Ahn72ThRtGFJ12Sq1XwfENks8H2hRANCAASemb/crh42BXkP9xY3rvt7og84jetj
CAjCUqMspJPt4GqgroLrXHvZ/JkVuE+gHmoi2TCXvGarDI3RsDPPSgWO
-----END PRIVATE KEY-----
`;

const CERTIFICATE = `
-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUMhZxO8BcTYU72BUeeMYiHj40ng4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEzMDIzMjYyN1oYDzIxMjYxMTA2
MjMyNjI3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASemb/crh42BXkP9xY3rvt7og84jetjCAjCUqMspJPt4GqgroLrXHvZ
/JkVuE+gHmoi2TCXvGarDI3RsDPPSgWOo2kwZzAdBgNVHQ4EFgQU0fAtFhvNIKuR
njq2hXxyn9tvRAUwHwYDVR0jBBgwFoAU0fAtFhvNIKuRnjq2hXxyn9tvRAUwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhAKcPDusNB/3fjmSj3Sj0qP/dyLWQmtp4Du/RUapd6yQJAiEA0BqOZ+yJ
7asozCdG60v71KtGbusShPp8U6UcGaRlUZQ=
-----END CERTIFICATE-----
`;

/** https://localhost on a free port, by an authority that no system knows. */
export async function startUnknownAuthority(body: string): Promise<Server> {
  const server = createServer({ key: KEY, cert: CERTIFICATE }, (_request, response) => {
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return server;
}
