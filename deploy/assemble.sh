#!/bin/sh
# Assembles the files of the image below the folder $1: the server with the versions of the lock file, and an empty
# folder for its data. To be run at the root of the repository, after `node tools/build.ts`.
set -eu
app=$1/opt/curfew
mkdir -p "$app" "$1/data"
cp package.json package-lock.json LICENSE "$app"
for folder in packages/*/; do
  mkdir -p "$app/$folder"
  cp "$folder/package.json" "$app/$folder"
done
for name in client curfew; do
  cp -R "packages/$name/dist" "packages/$name/LICENSE" "$app/packages/$name"
done
cp -R packages/curfew/bin "$app/packages/curfew"
# The native parts come as ready packages, so nothing has to be compiled.
npm ci --prefix "$app" --workspace curfew --omit dev --ignore-scripts --prefer-offline --no-audit --no-fund
for folder in "$app"/packages/*/; do
  [ -d "$folder/dist" ] || rm -R "$folder"
done
find "$app/node_modules" -xtype l -delete
