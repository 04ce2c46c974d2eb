"""What every hook of a reactive charm runs."""

import charmhelpers.osplatform

# It knows Ubuntu and CentOS only and refuses others by their name; nothing here depends on which it is.
charmhelpers.osplatform.get_platform = lambda: "ubuntu"

from charms.reactive import main  # noqa: E402

if __name__ == "__main__":
    main()
