// What an operator does about what PostgreSQL says: read by commands that load no driver.

/** How an operator mends it; undefined where nothing is to be said that the message does not say. */
export function cureOfPostgres(code: string, message: string): string | undefined {
  const said = message || code;
  if (/unsupported startup parameter/i.test(message)) {
    return `The pooler at DATABASE_URL does not take what it is told (${said}): name it in ignore_startup_parameters or track_extra_parameters of PgBouncer.`;
  }
  if (/timeout expired|connection timeout|Timeout acquiring a connection/.test(message)) {
    return `The database of DATABASE_URL does not answer (${said}).`;
  }
  // Authentication failed, no entry in pg_hba.conf, no such database, no right in it.
  if (['28P01', '28000', '3D000', '42501'].includes(code)) {
    return `The database of DATABASE_URL does not let this user in (${said}).`;
  }
  if (code === '25006') return `The database of DATABASE_URL takes no writes (${said}).`;
  if (/^(CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/.test(code)) {
    return `The certificate of the database server is not accepted (${said}): see sslmode and sslrootcert in DATABASE_URL.`;
  }
  if (/server does not support SSL/.test(message)) {
    return `The database server offers no TLS (${said}), and sslmode in DATABASE_URL asks for it.`;
  }
  if (['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'].includes(code)) {
    return `The database of DATABASE_URL cannot be reached (${said}).`;
  }
  return undefined;
}
