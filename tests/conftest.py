"""For all tests."""

from hypothesis import settings

# A busy machine is no failure of the property.
settings.register_profile("tenantmail", deadline=None)
settings.load_profile("tenantmail")
