// Where the hosted sign-in lives: the library sends browsers there, and our pages stand there.

export const SIGN_IN_PATH = '/sign-in';
/** Behind the address of a sign-in whose browser has only just got its cookie. */
export const FIRST_VISIT = '?first-visit';
