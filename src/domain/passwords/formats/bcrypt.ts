// bcrypt as crypt writes it: 2a, 2b and 2y are names of one algorithm.
import { hash as digest } from 'node:crypto';
import bcryptLibrary from 'bcrypt';
import { behind, type HashFormat, isBetween } from './format.ts';

const SHAPE = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const LEAST_ROUNDS = 4;
const MOST_ROUNDS = 16;

export const bcrypt: HashFormat = {
  name: 'bcrypt',
  is: (hash) => isBetween(Number(SHAPE.exec(hash)?.[1]), LEAST_ROUNDS, MOST_ROUNDS),
  cost: (hash) => hash.slice(4, 6),
  verify: (hash, password) => bcryptLibrary.compare(password, hash.replace(/^\$2[ay]/, '$2b')),
  reads: 72,
};

/** `bcrypt$$2b$…` */
export const djangoBcrypt = behind('bcrypt$', 'django-bcrypt', bcrypt);

/** Of the hexadecimal digest, so that all of a long password counts. */
const ofDigest: HashFormat = {
  name: 'bcrypt of a digest',
  is: bcrypt.is,
  cost: bcrypt.cost,
  verify: (hash, password) => bcrypt.verify(hash, digest('sha256', password)),
};

/** `bcrypt_sha256$$2b$…` */
export const djangoBcryptSha256 = behind('bcrypt_sha256$', 'django-bcrypt-sha256', ofDigest);
