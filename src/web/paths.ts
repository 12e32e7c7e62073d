// Where pages live: oidc-provider, rules and pages name these addresses.

export const SIGN_IN_PATH = '/sign-in';
/** Behind the address of a sign-in whose browser has only just got its cookie. */
export const FIRST_VISIT = '?first-visit';
export const FORGOT_PATH = '/forgot-password';
export const RESET_PATH = '/reset-password';
export const NOT_ME_PATH = '/not-me';

/** Changes the password of whoever is signed in. */
export const PASSWORD_PATH = '/account/password';
