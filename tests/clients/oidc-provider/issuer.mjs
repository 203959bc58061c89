// An OpenID issuer on loopback, made of oidc-provider: node issuer.mjs PORT
//
// Users sign in with any name that POST /test/accounts told of, and get JWT access tokens for the audience
// urn:modelyard (resource indicators, RFC 8707). POST /test/rotate signs with a new key and publishes the old ones, too.
import { generateKeyPair, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { promisify } from 'node:util'

import Provider from 'oidc-provider'

const port = Number(process.argv[2])
const issuer = `http://127.0.0.1:${port}`
const redirect = `${issuer}/callback`
const accounts = new Map()
const keys = []
let handle

async function newKey() {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: randomUUID() }
}

function configuration() {
  return {
    jwks: { keys },
    cookies: { keys: ['only for tests'] },
    clients: [
      { client_id: 'app', redirect_uris: [redirect], token_endpoint_auth_method: 'none' },
      {
        client_id: 'robot',
        client_secret: 'only for tests',
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
      },
    ],
    findAccount: (_, id) => accounts.has(id) && { accountId: id, claims: () => ({ sub: id, ...accounts.get(id) }) },
    extraTokenClaims: (_, token) => accounts.get(token.accountId),
    features: {
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, audience) => ({
          scope: 'api',
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  }
}

async function rotate() {
  keys.unshift(await newKey()) // the first one signs
  handle = new Provider(issuer, configuration()).callback()
}

async function body(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString() || '{}')
}

const controls = {
  '/test/rotate': rotate,
  '/test/accounts': async (request) => {
    for (const [id, claims] of Object.entries(await body(request))) accounts.set(id, claims)
  },
}

await rotate()
createServer(async (request, response) => {
  const control = controls[request.url]
  if (!control) return handle(request, response)
  await control(request)
  return response.writeHead(204).end()
}).listen(port, '127.0.0.1', () => console.log(`ready at ${issuer}`))
