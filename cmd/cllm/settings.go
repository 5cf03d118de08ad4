package main

import (
	"os"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"cllm/config"
)

// settings are what a command can be told of the table of settings: by flags
// alone, or by all its layers.
type settings struct {
	file    string            // YAML; "" is none
	environ bool              // whether the environment counts
	flags   map[string]string // given values, by the long name
}

// modelSettings are the flags of commands that open a model file.
var modelSettings = []string{"model", "override-kv"}

// addSettings adds the flags of the named settings.
func addSettings(f *pflag.FlagSet, names ...string) *settings {
	s := &settings{flags: map[string]string{}}
	alias := map[string]string{}
	for _, row := range config.Settings {
		if row.Flag == "" || !slices.Contains(names, row.Flag) {
			continue
		}
		f.VarPF(&settingFlag{row, s.flags}, row.Flag, row.Short, row.Help).NoOptDefVal = noOption(row)
		if row.Alias != "" {
			alias[row.Alias] = row.Flag
		}
	}
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if long, ok := alias[name]; ok {
			name = long
		}
		return pflag.NormalizedName(name)
	})
	return s
}

// addAllSettings adds every setting, in every layer.
func addAllSettings(cmd *cobra.Command) *settings {
	var names []string
	for _, row := range config.Settings {
		names = append(names, row.Flag)
	}
	f := cmd.Flags()
	s := addSettings(f, names...)
	s.environ = true
	f.Bool("help", false, "help for "+cmd.Name()) // -h is the host, as it always was
	f.StringVarP(&s.file, "config", "f", "", "YAML file with settings")
	return s
}

// load gathers the settings, with warnings about keys of the file.
func (s *settings) load() (*config.Config, []string, error) {
	environ := func(string) (string, bool) { return "", false }
	if s.environ {
		environ = os.LookupEnv
	}
	c, warnings, err := config.Load(s.file, environ, s.flags)
	if err != nil {
		return nil, nil, usageError{err}
	}
	return c, warnings, nil
}

// settingFlag is a setting as a flag.
type settingFlag struct {
	setting *config.Setting
	values  map[string]string
}

func (f *settingFlag) String() string { return f.values[f.setting.Flag] }
func (f *settingFlag) Type() string   { return f.setting.Type() }

func (f *settingFlag) Set(value string) error {
	// What is wrong with a flag is shown with its value: a secret is checked by
	// the table alone.
	if err := f.setting.Check(value); err != nil && !f.setting.Secret {
		return err
	}
	if before, ok := f.values[f.setting.Flag]; ok && f.setting.List {
		value = before + "," + value
	}
	f.values[f.setting.Flag] = value
	return nil
}

// noOption lets a flag that is true or false stand by itself.
func noOption(s *config.Setting) string {
	if s.Type() == "boolean" {
		return strconv.FormatBool(true)
	}
	return ""
}
