"""optax.adam.eager: JAX on the CPU makes subnormal numbers zero, whatever operation of a step meets them.

optax ==0.2.8. To be run by the python of an environment that tox -e peer-optax makes. Exits with 1 where expected and got differ."""
import jax
import jax.numpy as jnp
import numpy as np
import optax

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.full((6, 4), 2.9938371747505135e-38)
optimizer = optax.adam(lr, beta1, beta2, eps)
params = [jnp.asarray(w, "float32")]
start, *rest = optimizer.init(params)
state = (start._replace(mu=[jnp.asarray(m, "float32")], nu=[jnp.asarray(v, "float32")]), *rest)
update = optimizer.update
updates, state = update([jnp.asarray(values, "float32")], state, params)
params = optax.apply_updates(params, updates)
got = [np.asarray(x[0]).astype(float) for x in (params, state[0].mu, state[0].nu)]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (1.7e-37, 2e-45, 2.2e-45)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
