"""optax.adam.eager: In float64 too JAX on the CPU makes subnormal numbers zero.

optax ==0.2.8. To be run by the python of an environment that tox -e peer-optax makes. Exits with 1 where expected and got differ."""
import jax
import jax.numpy as jnp
import numpy as np
import optax

jax.config.update("jax_enable_x64", True)
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.full((6, 4), 5.666984983385529e-308)
optimizer = optax.adam(lr, beta1, beta2, eps)
params = [jnp.asarray(w, "float64")]
start, *rest = optimizer.init(params)
state = (start._replace(mu=[jnp.asarray(m, "float64")], nu=[jnp.asarray(v, "float64")]), *rest)
update = optimizer.update
updates, state = update([jnp.asarray(values, "float64")], state, params)
params = optax.apply_updates(params, updates)
got = [np.asarray(x[0]).astype(float) for x in (params, state[0].mu, state[0].nu)]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (1.7e-315, 2e-323, 3e-323)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.17g}, got {y[j]:.17g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
