"""Gets an access token with the key file of a service account, and prints the answer.

    pip install authlib requests
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

import requests
from authlib.jose import jwt

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
    return jwt.encode(header, claims, key["private_key"]).decode()


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
    form = {"grant_type": GRANT, "assertion": sign_assertion(key)}
    if "totp_secret" in key:
        form["mfa_code"] = totp(key["totp_secret"])
    if scope:
        form["scope"] = scope
    if resource:
        form["resource"] = resource
    response = requests.post(key["token_endpoint"], data=form, timeout=10)
    if not response.ok:
        sys.exit(f"{response.status_code} {response.text}")
    return response.json()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("Usage: get_token.py KEY_FILE [SCOPE] [RESOURCE]")
    with open(sys.argv[1], encoding="utf-8") as file:
        print(json.dumps(get_token(json.load(file), *sys.argv[2:4]), indent=2))
