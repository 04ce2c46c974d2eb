// The charm that is measured, with goops: it reads the databag of every remote unit and writes one key.
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/gruyaume/goops"
)

const endpoint = "source"

func changed() error {
	relations, err := goops.GetRelationIDs(endpoint)
	if err != nil {
		return err
	}
	for _, relation := range relations {
		units, err := goops.ListRelationUnits(relation)
		if err != nil {
			return err
		}
		sum := 0
		for _, unit := range units {
			bag, err := goops.GetUnitRelationData(relation, unit)
			if err != nil {
				return err
			}
			version, err := strconv.Atoi(bag["version"])
			if err != nil {
				return err
			}
			sum += version
		}
		seen := fmt.Sprintf("%d %d", len(units), sum)
		if err := goops.SetUnitRelationData(relation, map[string]string{"seen": seen}); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	env := goops.ReadEnv()
	if env.HookName != endpoint+"-relation-changed" {
		return
	}
	if err := changed(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
