// A strict relying party: openid-client, checking all that it can. Talks to the test in lines of JSON: what it was
// given comes first, then for each address that a browser must visit, where the browser was sent back to.
import { createInterface } from 'node:readline'
import * as client from 'openid-client'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const heard = async () => JSON.parse((await lines.next()).value)
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')

const given = await heard()
const methods = { post: client.ClientSecretPost, basic: client.ClientSecretBasic, none: client.None }
const proof = methods[given.method](given.secret)
const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks], algorithm: given.metadata }
const config = await client.discovery(new URL(given.issuer), given.client_id, undefined, proof, options)

const flows = { code, device, service }
say({ done: await flows[given.flow]() })
process.exit(0)

async function code() {
  const verifier = client.randomPKCECodeVerifier()
  const expected = { expectedState: client.randomState(), expectedNonce: client.randomNonce() }
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: given.redirect_uri,
    scope: 'openid profile email',
    state: expected.expectedState,
    nonce: expected.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  say({ visit: address.href })
  const back = new URL((await heard()).back)
  const checks = { pkceCodeVerifier: verifier, ...expected, idTokenExpected: true, maxAge: 600 }
  const tokens = await client.authorizationCodeGrant(config, back, checks)
  const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  const result = { user, claims: renewed.claims() }
  if (given.secret) {
    result.before = await client.tokenIntrospection(config, renewed.access_token)
    await client.tokenRevocation(config, renewed.access_token, { token_type_hint: 'access_token' })
    result.after = await client.tokenIntrospection(config, renewed.access_token)
  }
  await client.tokenRevocation(config, renewed.refresh_token)
  result.refused = await errorOf(() => client.refreshTokenGrant(config, renewed.refresh_token))
  const again = new URL(back)
  again.searchParams.set('iss', 'https://other.example')
  result.mixedUp = await errorOf(() => client.authorizationCodeGrant(config, again, checks))
  const out = { id_token_hint: renewed.id_token, post_logout_redirect_uri: given.signed_out, state: 'bye' }
  say({ visit: client.buildEndSessionUrl(config, out).href })
  result.signedOut = (await heard()).back
  return result
}

async function device() {
  const begun = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
  say({ visit: begun.verification_uri_complete })
  await heard()
  const tokens = await client.pollDeviceAuthorizationGrant(config, begun)
  return { user: await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub) }
}

async function service() {
  const tokens = await client.clientCredentialsGrant(config)
  return { before: await client.tokenIntrospection(config, tokens.access_token) }
}

async function errorOf(call) {
  try {
    await call()
  } catch (error) {
    return error.error ?? error.code
  }
  return null
}
