// Tokens by jsonwebtoken, good and hostile, all for the user "ada".
//
//   node tokens.mjs <secret> <folder>
//
// It writes the public keys as a JWK set to <folder>/jwks.json, and prints each token
// as {"keys": "secret" | "public", "name", "token", "good"}.
import { createHmac, generateKeyPairSync, sign as cryptoSign } from "node:crypto";
import { writeFileSync } from "node:fs";
import jwt from "jsonwebtoken";

const [secret, folder] = process.argv.slice(2);
const pair = (type, options) => generateKeyPairSync(type, options);
const rsa = pair("rsa", { modulusLength: 2048 });
const ec = pair("ec", { namedCurve: "P-256" });
const ed = pair("ed25519");
const strangerRSA = pair("rsa", { modulusLength: 2048 });
const strangerEC = pair("ec", { namedCurve: "P-256" });
const jwk = ({ publicKey }, kid, alg) => ({ ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" });
writeFileSync(`${folder}/jwks.json`, JSON.stringify({ keys: [jwk(rsa, "r", "RS256"), jwk(ec, "e", "ES256"), jwk(ed, "d", "EdDSA")] }));

const base64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const now = Math.floor(Date.now() / 1000);
const claims = { Id: "ada", iat: now, exp: now + 600 };
const say = (keys, name, token, good = false) => console.log(JSON.stringify({ keys, name, token, good }));
// hand makes a token that no library would.
const hand = (header, payload, signature) => {
  const text = `${base64(header)}.${base64(payload)}`;
  return `${text}.${signature(text)}`;
};
const hmac = (key, hash = "sha256") => (text) => createHmac(hash, key).update(text).digest("base64url");
const by = (key) => (text) => cryptoSign(key.asymmetricKeyType === "ed25519" ? null : "sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
const HS = { alg: "HS256", typ: "JWT" };
const good = jwt.sign(claims, secret);
const [head, body, mac] = good.split(".");

// With the shared secret.
say("secret", "HS256", good, true);
say("secret", "HS256, by expiresIn", jwt.sign({ Id: "ada" }, secret, { expiresIn: "5m" }), true);
say("secret", "HS256, with claims of its own", jwt.sign({ ...claims, role: "x", sub: "1", iss: "i", aud: "a" }, secret), true);
for (const [name, token] of Object.entries({
  "empty": "",
  "one part": "eyJhbGciOiJIUzI1NiJ9",
  "garbage": "not.a.token",
  "without its signature": `${head}.${body}.`,
  "without its last dot": `${head}.${body}`,
  "with a part more": `${good}.${mac}`,
  "with a scheme": `Bearer ${good}`,
  "with spaces": ` ${good} `,
  "with a line break": `${good}\n`,
  "with padding": `${head}.${body}.${mac}=`,
  "a JSON serialization": JSON.stringify({ protected: head, payload: body, signature: mac }),
  "alg none": jwt.sign(claims, null, { algorithm: "none" }),
  "alg None": hand({ alg: "None" }, claims, () => ""),
  "alg nOnE, signed": hand({ alg: "nOnE" }, claims, hmac(secret)),
  "no alg": hand({ typ: "JWT" }, claims, hmac(secret)),
  "alg in small letters": hand({ alg: "hs256" }, claims, hmac(secret)),
  "alg is a list": hand({ alg: ["HS256"] }, claims, hmac(secret)),
  "two algs": hand('{"alg":"none","alg":"HS256"}', claims, () => ""),
  "HS384": jwt.sign(claims, secret, { algorithm: "HS384" }),
  "HS512": jwt.sign(claims, secret, { algorithm: "HS512" }),
  "RS256 where there is a secret": jwt.sign(claims, rsa.privateKey, { algorithm: "RS256" }),
  "another secret": jwt.sign(claims, "another secret of thirty-two bytes"),
  "an empty secret": hand(HS, claims, hmac("")),
  "the secret and a NUL": hand(HS, claims, hmac(secret + "\0more")),
  "the payload changed": `${head}.${base64({ ...claims, exp: now + 9999 })}.${mac}`,
  "the signature changed": `${head}.${body}.${mac.replace(/^./, (c) => (c === "A" ? "B" : "A"))}`,
  "the signature cut": `${head}.${body}.${mac.slice(0, 20)}`,
  "the header changed": `${base64({ alg: "HS256" })}.${body}.${mac}`,
  "expired": jwt.sign({ ...claims, exp: now - 60 }, secret),
  "expired long ago": jwt.sign({ Id: "ada", iat: 1, exp: 2 }, secret),
  "without exp": jwt.sign({ Id: "ada" }, secret),
  "exp is a string": hand(HS, { ...claims, exp: String(now + 600) }, hmac(secret)),
  "exp is null": hand(HS, { ...claims, exp: null }, hmac(secret)),
  "exp is negative": hand(HS, { ...claims, exp: -1 }, hmac(secret)),
  "exp beyond any time": hand(HS, `{"Id":"ada","exp":1e999}`, hmac(secret)),
  "not yet valid": jwt.sign({ ...claims, nbf: now + 300 }, secret),
  "issued in the future": jwt.sign({ ...claims, iat: now + 300 }, secret),
  "another user's": jwt.sign({ ...claims, Id: "bob" }, secret),
  "another user's, in other letters": jwt.sign({ ...claims, Id: "ADA" }, secret),
  "another user's, with a space": jwt.sign({ ...claims, Id: "ada " }, secret),
  "nobody's": jwt.sign({ iat: now, exp: now + 600 }, secret),
  "an Id that is a list": jwt.sign({ ...claims, Id: ["ada"] }, secret),
  "an Id that is an object": jwt.sign({ ...claims, Id: { Id: "ada" } }, secret),
  "an Id that is null": jwt.sign({ ...claims, Id: null }, secret),
  "two Ids": hand(HS, `{"Id":"ada","Id":"bob","exp":${now + 600}}`, hmac(secret)),
  "sub in place of Id": jwt.sign({ sub: "ada", exp: now + 600 }, secret),
  "a list of claims": hand(HS, [claims], hmac(secret)),
  "a text of claims": jwt.sign("ada", secret),
  "critical extensions": hand({ ...HS, crit: ["exp"] }, claims, hmac(secret)),
  "a token in a token": hand({ ...HS, cty: "JWT" }, good, hmac(secret)),
  "encrypted, it says": hand({ alg: "dir", enc: "A256GCM" }, claims, hmac(secret)),
})) say("secret", name, token);

// With the issuer's public keys.
const signed = (key, header) => jwt.sign(claims, key.privateKey, { algorithm: header.alg, ...(header.kid && { keyid: header.kid }) });
say("public", "RS256", signed(rsa, { alg: "RS256", kid: "r" }), true);
say("public", "ES256", signed(ec, { alg: "ES256", kid: "e" }), true);
// jsonwebtoken knows no EdDSA: this one is signed with Node's own crypto.
say("public", "EdDSA", hand({ alg: "EdDSA", kid: "d" }, claims, by(ed.privateKey)), true);
say("public", "RS256 without a key id", signed(rsa, { alg: "RS256" }), true);
const publicPEM = rsa.publicKey.export({ type: "spki", format: "pem" });
for (const [name, token] of Object.entries({
  "alg none": jwt.sign(claims, null, { algorithm: "none", keyid: "r" }),
  "HS256 with the public key in PEM": hand({ ...HS, kid: "r" }, claims, hmac(publicPEM)),
  "HS256 with the public key in DER": hand({ ...HS, kid: "r" }, claims, hmac(rsa.publicKey.export({ type: "spki", format: "der" }))),
  "HS256 with the modulus": hand({ ...HS, kid: "r" }, claims, hmac(Buffer.from(rsa.publicKey.export({ format: "jwk" }).n, "base64url"))),
  "HS256 with an empty key": hand({ ...HS, kid: "r" }, claims, hmac("")),
  "a stranger's RSA key": signed(strangerRSA, { alg: "RS256", kid: "r" }),
  "a stranger's RSA key without a key id": signed(strangerRSA, { alg: "RS256" }),
  "a stranger's EC key": signed(strangerEC, { alg: "ES256", kid: "e" }),
  "a stranger's key that it brings": hand({ alg: "RS256", jwk: strangerRSA.publicKey.export({ format: "jwk" }) }, claims, by(strangerRSA.privateKey)),
  "a stranger's key set": hand({ alg: "RS256", kid: "r", jku: "http://127.0.0.1:1/jwks.json" }, claims, by(strangerRSA.privateKey)),
  "a key id that is a path": hand({ alg: "HS256", kid: "../../../../dev/null" }, claims, hmac("")),
  "a key id that is not there": signed(rsa, { alg: "RS256", kid: "x" }),
  "a key id of another kind": signed(rsa, { alg: "RS256", kid: "e" }),
  "PS256": jwt.sign(claims, rsa.privateKey, { algorithm: "PS256", keyid: "r" }),
  "RS384": jwt.sign(claims, rsa.privateKey, { algorithm: "RS384", keyid: "r" }),
  "RS512": jwt.sign(claims, rsa.privateKey, { algorithm: "RS512", keyid: "r" }),
  "an ES256 signature of zeros": hand({ alg: "ES256", kid: "e" }, claims, () => base64("\0".repeat(64))),
  "an ES256 signature in DER": hand({ alg: "ES256", kid: "e" }, claims, (text) => cryptoSign("sha256", Buffer.from(text), ec.privateKey).toString("base64url")),
  "an EdDSA signature of zeros": hand({ alg: "EdDSA", kid: "d" }, claims, () => base64("\0".repeat(64))),
  "expired": jwt.sign({ ...claims, exp: now - 60 }, rsa.privateKey, { algorithm: "RS256", keyid: "r" }),
  "without exp": jwt.sign({ Id: "ada" }, ec.privateKey, { algorithm: "ES256", keyid: "e" }),
  "another user's": jwt.sign({ ...claims, Id: "bob" }, rsa.privateKey, { algorithm: "RS256", keyid: "r" }),
})) say("public", name, token);
