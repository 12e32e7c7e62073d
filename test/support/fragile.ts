// For `NODE_OPTIONS=--import`: a server that fails where nobody catches it, at a signal.

process.on('SIGUSR2', () => {
  throw new Error('out of the blue', { cause: new Error('a fuse has blown') });
});
process.on('SIGHUP', () => {
  Promise.reject(new Error('a promise that nobody kept'));
});
