"""Sign-in at the utility's own provider: OpenID Connect, authorization code with PKCE."""

from __future__ import annotations

import secrets
import time
import warnings
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from network import FudianError, Text, text

ON_THE_WAY_S = 600
"""How long a reader may take at the provider."""

_KEPT_S = 3600
"""How long what the provider says of itself is taken as still so."""

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_ANSWERS_S = 10.0


@dataclass(frozen=True)
class ProviderSettings:
    """The provider and how the server is known there.

    Attributes:
        issuer: its address, as its discovery document names it.
        client_id: of this server.
        client_secret: of this server.
        claim: that holds the user name of an account.
    """

    issuer: str
    client_id: str
    client_secret: str
    claim: str = "preferred_username"


class ProviderError(Exception):
    """A sign-in at the provider that came to nothing."""

    def __init__(self, message: Text, hint: Text | None = None) -> None:
        super().__init__(str(message))
        self.message = message
        self.hint = hint


class Provider:
    """Leads readers to the provider, and judges what they bring back."""

    def __init__(self, settings: ProviderSettings) -> None:
        """Prepare for a provider; it is asked when the first reader goes there.

        Raises:
            FudianError: what this takes is not installed.
        """
        try:
            import authlib
            import joserfc
        except ImportError as missing:
            raise FudianError(
                text("Sign-in at a provider needs more packages."), text("Install them: pip install 'fudian[oidc]'.")
            ) from missing
        del authlib, joserfc
        self._settings = settings
        self._signer = URLSafeTimedSerializer(secrets.token_bytes(32))
        self._found: dict[str, tuple[float, dict[str, Any]]] = {}

    async def leave(self, back: str, wanted: str, language: str) -> tuple[str, str]:
        """Return the address at the provider, and what the browser keeps meanwhile.

        Args:
            back: address of this server to which the provider leads back.
            wanted: where to go afterwards.
            language: of the pages.

        Raises:
            ProviderError: the provider does not answer.
        """
        about = await self._about()
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        async with self._client(back) as client:
            address, state = client.create_authorization_url(
                about["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        kept = {"state": state, "verifier": verifier, "nonce": nonce, "next": wanted, "lang": language}
        return address, str(self._signer.dumps(kept))

    async def come_back(self, back: str, query: dict[str, str], kept: str) -> tuple[str, str, str, str]:
        """Return who came back: user name, issuer and subject, where to go, and the language.

        Args:
            back: address of this server to which the provider led back.
            query: of that address.
            kept: what the browser kept meanwhile.

        Raises:
            ProviderError: the reader was refused there, took too long, or did not come from here.
        """
        try:
            way = self._signer.loads(kept, max_age=ON_THE_WAY_S)
        except BadSignature as wrong:
            raise ProviderError(_NOT_FROM_HERE, _AGAIN) from wrong
        if not secrets.compare_digest(query.get("state", "").encode(), way["state"].encode()):
            raise ProviderError(_NOT_FROM_HERE, _AGAIN)
        if "code" not in query:
            raise ProviderError(text("The provider did not let you sign in."), _AGAIN)
        claims = await self._claims(back, query["code"], way["verifier"])
        if claims.get("nonce") != way["nonce"]:
            raise ProviderError(_NOT_FROM_HERE, _AGAIN)
        name = claims.get(self._settings.claim)
        if (
            not isinstance(name, str)
            or not name
            or (self._settings.claim == "email" and not claims.get("email_verified"))
        ):
            raise ProviderError(text("The provider does not say {claim}.", claim=self._settings.claim))
        return name, f"{claims['iss']} {claims['sub']}", way["next"], way["lang"]

    async def _claims(self, back: str, code: str, verifier: str) -> dict[str, Any]:
        """Return what the provider vouches for, its signature checked."""
        from authlib.integrations.base_client.errors import OAuthError
        from httpx import HTTPError
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        about = await self._about()
        try:
            async with self._client(back) as client:
                told = await client.fetch_token(about["token_endpoint"], code=code, code_verifier=verifier)
            keys = KeySet.import_key_set(await self._document(about["jwks_uri"]))  # type: ignore[arg-type]
            token = jwt.decode(told["id_token"], keys, algorithms=_ALGORITHMS)
            jwt.JWTClaimsRegistry(
                leeway=60,
                iss={"essential": True, "value": self._settings.issuer},
                aud={"essential": True, "value": self._settings.client_id},
                exp={"essential": True},
                sub={"essential": True},
            ).validate(token.claims)
        except (OAuthError, HTTPError, JoseError, KeyError, ValueError) as wrong:
            raise ProviderError(text("What the provider says cannot be believed."), _AGAIN) from wrong
        claims = dict(token.claims)
        parties = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if len(parties) > 1 and claims.get("azp") != self._settings.client_id:
            raise ProviderError(text("What the provider says cannot be believed."), _AGAIN)
        return claims

    async def _about(self) -> dict[str, Any]:
        about = await self._document(f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self._settings.issuer:
            raise ProviderError(text("What the provider says cannot be believed."), _AGAIN)
        return about

    async def _document(self, address: str) -> dict[str, Any]:
        import httpx

        at, found = self._found.get(address, (0.0, {}))
        if found and time.monotonic() - at < _KEPT_S:
            return found
        try:
            async with httpx.AsyncClient(timeout=_ANSWERS_S) as client:
                answer = await client.get(address)
                answer.raise_for_status()
                found = dict(answer.json())
        except (httpx.HTTPError, TypeError, ValueError) as wrong:
            raise ProviderError(text("The provider does not answer."), _AGAIN) from wrong
        self._found[address] = (time.monotonic(), found)
        return found

    def _client(self, back: str) -> Any:
        with warnings.catch_warnings():  # the library tells of its next version when it is loaded
            warnings.simplefilter("ignore")
            from authlib.integrations.httpx_client import AsyncOAuth2Client

        return AsyncOAuth2Client(
            self._settings.client_id,
            self._settings.client_secret,
            scope="openid profile email",
            redirect_uri=back,
            code_challenge_method="S256",
            timeout=_ANSWERS_S,
        )


_NOT_FROM_HERE = text("This sign-in did not begin here, or took too long.")
_AGAIN = text("Try again from the page to sign in.")
