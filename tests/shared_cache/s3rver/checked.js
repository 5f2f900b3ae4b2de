// s3rver behind a check of signatures, which it has not itself: of version 4, with the header
// Authorization, and of the body's digest.
//
//   node checked.js DIRECTORY KEY SECRET
//
// Says "listening on PORT".
'use strict';

const crypto = require('crypto');
const http = require('http');
const S3rver = require('s3rver');

const [directory, knownKey, secret] = process.argv.slice(2);
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text, 'utf8').digest();
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

// The code of S3's error, or nothing.
function complaint(request, body) {
  const form =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const parts = form.exec(request.headers.authorization || '');
  if (!parts) return 'AccessDenied';
  const [, key, day, region, names, signature] = parts;
  if (key !== knownKey) return 'InvalidAccessKeyId';
  const signed = names.split(';');
  const date = request.headers['x-amz-date'] || '';
  const due = ['host', ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))];
  if ('content-type' in request.headers) due.push('content-type');
  if (!due.every((name) => signed.includes(name)) || String(signed) !== String([...signed].sort())) {
    return 'AccessDenied';
  }
  if (!date.startsWith(day)) return 'AuthorizationHeaderMalformed';
  const digest = request.headers['x-amz-content-sha256'];
  if (digest !== sha256(body)) return 'XAmzContentSHA256Mismatch';
  const [path, query = ''] = request.url.split('?');
  const fields = signed.map((name) => `${name}:${(request.headers[name] || '').trim()}\n`).join('');
  const canonical = [request.method, path, query, fields, names, digest].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const by = [day, region, 's3', 'aws4_request'].reduce(hmac, 'AWS4' + secret);
  return hmac(by, text).toString('hex') === signature ? null : 'SignatureDoesNotMatch';
}

function forward(port, request, body, response) {
  const options = {
    host: '127.0.0.1', port, path: request.url, method: request.method, headers: request.headers,
  };
  const on = http.request(options, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  on.on('error', () => response.destroy());
  on.end(body);
}

async function main() {
  const store = new S3rver({
    address: '127.0.0.1', port: 0, directory, silent: true, vhostBuckets: false,
    configureBuckets: [{ name: 'bucket' }],
  });
  const { port } = await store.run();
  const server = http.createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const code = complaint(request, body);
      if (!code) return forward(port, request, body, response);
      const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`;
      response.writeHead(403, { 'Content-Type': 'application/xml' });
      return response.end(request.method === 'HEAD' ? '' : text);
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
}

main();
