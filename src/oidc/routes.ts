// The paths of oidc-provider's endpoints, by the names that it calls them.
export const ROUTES = {
  authorization: '/authorize',
  token: '/token',
  userinfo: '/userinfo',
  jwks: '/jwks',
  introspection: '/introspect',
  revocation: '/revoke',
  end_session: '/sign-out',
  pushed_authorization_request: '/par',
  code_verification: '/device',
  device_authorization: '/device/authorize',
} as const;

/** Fixed by OpenID Connect Discovery 1.0 and RFC 8414. */
export const DISCOVERY_PATHS = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
] as const;
