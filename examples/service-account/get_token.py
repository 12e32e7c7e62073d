#!/usr/bin/env python3
"""Gets an access token with the key file of a service account, and prints the answer.

    pip install authlib joserfc requests
    python get_token.py KEY_FILE [SCOPE] [RESOURCE]
"""

import base64
import hashlib
import hmac
import json
import struct
import sys
import time
import uuid

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import import_key

KEY_TYPES = {"R": "RSA", "P": "RSA", "EdDSA": "OKP", "E": "EC"}
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def sign_assertion(key):
    """Good for one request, within a minute."""
    now = int(time.time())
    header = {"alg": key["alg"], "kid": key["kid"], "typ": "JWT"}
    claims = {
        "iss": key["id"],
        "sub": key["id"],
        "aud": key["issuer"],
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    kind = KEY_TYPES.get(key["alg"]) or KEY_TYPES[key["alg"][0]]
    private_key = import_key(key["private_key"], kind)
    return jwt.encode(header, claims, private_key, algorithms=[key["alg"]])


def totp(secret):
    """The code of this half minute (RFC 6238)."""
    padded = secret + "=" * (-len(secret) % 8)
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.new(base64.b32decode(padded), counter, hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def get_token(key, scope=None, resource=None):
    """Each code works once: two tokens within half a minute want one code to wait for."""
    asked = {"scope": scope, "resource": resource}
    if "totp_secret" in key:
        asked["mfa_code"] = totp(key["totp_secret"])
    session = OAuth2Session()
    return session.fetch_token(
        key["token_endpoint"],
        grant_type=GRANT,
        # The assertion says who asks: nothing else authenticates.
        auth=lambda request: request,
        assertion=sign_assertion(key),
        **{name: value for name, value in asked.items() if value},
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Usage: get_token.py KEY_FILE [SCOPE] [RESOURCE]")
    with open(sys.argv[1], encoding="utf-8") as file:
        key_file = json.load(file)
    try:
        print(json.dumps(get_token(key_file, *sys.argv[2:4]), indent=2))
    except OAuthError as refused:
        sys.exit(str(refused))
